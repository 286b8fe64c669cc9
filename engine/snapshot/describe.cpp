#include "engine/snapshot/describe.hpp"

#include <array>
#include <charconv>
#include <string_view>

namespace elsewhere::snapshot {
namespace {

constexpr int deepest = 2;            // containers in containers in containers are "…"
constexpr std::size_t most_items = 4; // of each
constexpr std::size_t most_bytes = 48;

// Cuts between code points.
std::string cut(std::string_view text, std::size_t bytes) {
    if (text.size() <= bytes) return std::string(text);
    while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
    return std::string(text.substr(0, bytes)) + "…";
}

std::string quoted(std::string_view text) {
    std::string out = "'";
    for (const char c : cut(text, most_bytes)) {
        if (c == '\'' || c == '\\') out += '\\';
        out += c;
    }
    return out + "'";
}

std::string real(double value) {
    std::array<char, 32> digits = {};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    std::string text(digits.data(), end);
    return text.find_first_not_of("-0123456789") == std::string::npos ? text + ".0" : text;
}

class Describer {
  public:
    explicit Describer(const ObjectIndex &objects) : objects_(objects) {}

    // `depth`: how many more levels are shown.
    [[nodiscard]] std::string value(Reference reference, int depth) const {
        if (is_small_int(reference)) return std::to_string(small_int(reference));
        if (depth < 0) return "…"; // cells in cells
        const auto *object = objects_.find(reference);
        return object != nullptr ? value(*object, reference, depth) : fixed(reference);
    }

    // What it is called. `steps`: through how many others; hostile ones go in circles.
    [[nodiscard]] std::string name(Reference reference, int steps = 3) const {
        const auto *object = objects_.find(reference);
        if (object == nullptr || steps == 0) return fixed(reference);
        Reader in = objects_.at(object->operands);
        switch (object->made) {
        case Op::module_named:
        case Op::module: return std::string(in.text());
        case Op::named: {
            const std::string module = name_of_module(in.varint(), steps - 1);
            const std::string in_module(in.text());
            return module == "builtins" || module.empty() ? in_module : module + "." + in_module;
        }
        case Op::class_shell:
            if (object->filled == Op::class_fill)
                return std::string(objects_.at(object->contents).text());
            in.varint(); // its metaclass
            return std::string(in.text());
        case Op::function: return text_among(objects_.items(reference), 1);
        case Op::code: return text_among(objects_.items(reference), 12);
        case Op::code_of:
        case Op::generator: return name(in.varint(), steps - 1);
        default: return name_of(object->made);
        }
    }

  private:
    static std::string fixed(Reference reference) {
        constexpr std::array<const char *, 7> names = {
            "NULL", "None", "True", "False", "Ellipsis", "NotImplemented", "the main thread"};
        const std::uint64_t id = reference >> 1;
        return id < names.size() ? names[id] : "?";
    }

    [[nodiscard]] std::string name_of_module(Reference reference, int steps) const {
        const auto *object = objects_.find(reference);
        const bool module =
            object != nullptr && (object->made == Op::module_named || object->made == Op::module);
        return module ? name(reference, steps) : "";
    }

    [[nodiscard]] std::string text_among(const std::vector<Reference> &items, std::size_t i) const {
        return i < items.size() ? objects_.text(items[i]).value_or("?") : "?";
    }

    template <typename Items, typename Show> static std::string
    listed(const char *open, const Items &items, const char *close, Show show, int depth) {
        if (!items.empty() && depth == 0) return std::string(open) + "…" + close;
        std::string out = open;
        for (std::size_t i = 0; i < items.size(); ++i) {
            if (i > 0) out += ", ";
            if (i == most_items) {
                out += "… " + std::to_string(items.size()) + " in all";
                break;
            }
            out += show(items[i]);
        }
        return out + close;
    }

    [[nodiscard]] std::string sequence(const char *open, const std::vector<Reference> &items,
                                       const char *close, int depth) const {
        return listed(
            open, items, close, [&](Reference item) { return value(item, depth - 1); }, depth);
    }

    [[nodiscard]] std::string instance(const std::string &type, Reference reference,
                                       int depth) const {
        return listed((type + "(").c_str(), objects_.pairs(reference), ")",
                      [&](const auto &pair) {
                          return objects_.text(pair.first).value_or("?") + "=" +
                                 value(pair.second, depth - 1);
                      },
                      depth);
    }

    [[nodiscard]] std::string set(const ObjectIndex::Object &object, int depth) const {
        const char *open = object.made == Op::set_shell ? "{" : "frozenset({";
        const char *close = object.made == Op::set_shell ? "}" : "})";
        std::vector<Reference> items;
        if (object.filled == Op::set_fill) {
            Reader in = objects_.at(object.contents);
            in.varint(); // mask of the table
            for (std::size_t left = in.count(10); left > 0; --left) {
                items.push_back(in.varint());
                in.varint(); // slot
                in.u64();    // hash
            }
        }
        return sequence(open, items, close, depth);
    }

    [[nodiscard]] std::string value(const ObjectIndex::Object &object, Reference reference,
                                    int depth) const {
        Reader in = objects_.at(object.operands);
        switch (object.made) {
        case Op::string:
        case Op::interned: return quoted(in.text());
        case Op::bytes: return "b" + quoted(in.text());
        case Op::byte_array: return "bytearray(b" + quoted(in.text()) + ")";
        case Op::big_int: return "0x" + cut(in.text(), most_bytes);
        case Op::shared_int: return std::to_string(small_int(in.varint()));
        case Op::address: return "id(" + value(in.varint(), depth - 1) + ")";
        case Op::real: return real(in.f64());
        case Op::complex: {
            const double re = in.f64();
            return "complex(" + real(re) + ", " + real(in.f64()) + ")";
        }
        case Op::tuple: return sequence("(", objects_.items(reference), ")", depth);
        case Op::list:
        case Op::list_shell: return sequence("[", objects_.items(reference), "]", depth);
        case Op::dict:
        case Op::dict_shell:
            return listed(
                "{", objects_.pairs(reference), "}",
                [&](const auto &pair) {
                    return value(pair.first, depth - 1) + ": " + value(pair.second, depth - 1);
                },
                depth);
        case Op::set_shell:
        case Op::frozenset_shell: return set(object, depth);
        case Op::cell:
            return object.filled == Op::cell_fill
                       ? value(objects_.at(object.contents).varint(), depth - 1)
                       : "<empty cell>";
        case Op::named: return name(reference);
        case Op::module:
            return object.dict_of ? "<dict of module " + name(reference) + ">"
                                  : "<module " + name(reference) + ">";
        case Op::module_named: return "<module " + name(reference) + ">";
        case Op::module_dict: return "<dict of module " + name(in.varint()) + ">";
        case Op::class_shell: return "<class " + name(reference) + ">";
        case Op::function:
        case Op::code:
        case Op::code_of:
        case Op::generator:
            return std::string("<") + name_of(object.made) + " " + name(reference) + ">";
        case Op::method: return "<method " + name(in.varint()) + ">";
        case Op::instance:
        case Op::instance_shell: return instance(name(in.varint()), reference, depth);
        case Op::call: {
            const std::string callable = name(in.varint());
            std::vector<Reference> arguments;
            for (std::size_t left = in.count(); left > 0; --left) arguments.push_back(in.varint());
            return sequence((callable + "(").c_str(), arguments, ")", depth);
        }
        case Op::stream: return "<sys." + std::string(in.text()) + ">";
        default: return std::string("<") + name_of(object.made) + ">";
        }
    }

    const ObjectIndex &objects_;
};

// Says what the slot is there for (frame::Role).
const char *role_name(std::uint64_t role) {
    constexpr std::array<const char *, 9> names = {
        "temporary",       "null",        "callable",           "argument",
        "iterator",        "exit method", "previous exception", "active exception",
        "last instruction"};
    return role < names.size() ? names[role] : "unknown";
}

bool is_data(const std::string &name, Reference reference, const ObjectIndex &objects) {
    if (name.starts_with("__")) return false;
    const auto *object = objects.find(reference);
    if (object == nullptr) return true;
    switch (object->made) {
    case Op::module_named:
    case Op::module:
    case Op::named:
    case Op::function:
    case Op::class_shell: return false;
    default: return true;
    }
}

} // namespace

std::vector<FrameSummary> describe_frames(const Bytes &frames, const ObjectIndex &objects) {
    Reader in(frames.data(), frames.size());
    if (in.varint() != object_stream_version)
        throw Error(ErrorKind::unsupported, "the frames are in a format of another version",
                    "use the elsewhere that wrote them");
    std::vector<FrameSummary> summaries;
    for (std::size_t left = in.count(); left > 0; --left) {
        FrameSummary summary;
        summary.function = in.text();
        summary.file = in.text();
        std::vector<std::string> names;
        for (std::size_t names_left = in.count(); names_left > 0; --names_left)
            names.emplace_back(in.text());
        const FrameEntry frame = read_frame(in);
        summary.line = frame.line;
        for (std::size_t i = 0; i < frame.variables.size(); ++i) {
            if (frame.variables[i] == to_reference(id_null)) continue; // unbound
            summary.variables.push_back(
                {i < names.size() ? names[i] : "?", describe(frame.variables[i], objects)});
        }
        // A module's body keeps its names in the globals.
        const bool module = frame.locals == to_reference(id_null) && summary.function == "<module>";
        const Reference names_in = module ? frame.globals : frame.locals;
        for (const auto &[key, reference] : objects.pairs(names_in))
            if (const auto name = objects.text(key); name && is_data(*name, reference, objects))
                summary.variables.push_back({*name, describe(reference, objects)});
        for (const FrameEntry::Slot &slot : frame.stack)
            summary.stack.push_back({role_name(slot.role), describe(slot.value, objects)});
        summaries.push_back(std::move(summary));
    }
    return summaries;
}

std::string describe(Reference reference, const ObjectIndex &objects, std::size_t width) {
    return cut(Describer(objects).value(reference, deepest), width);
}

} // namespace elsewhere::snapshot
