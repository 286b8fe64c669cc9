#include "core/transport/spec.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/base/error.hpp"

namespace elsewhere::transport {
namespace {

[[noreturn]] void refuse(const std::string &what, const std::string &hint) {
    throw Error(ErrorKind::usage, what, hint);
}

enum class Role { way, way_later, modifier };
enum class Form { flag, text, optional_text, number, execution, trust, imports };

struct Key {
    std::string_view name;
    Role role;
    Form form;
};

// Every key of the contract.
constexpr std::array<Key, 31> keys = {{
    {"popen", Role::way, Form::flag},
    {"ssh", Role::way, Form::text},
    {"socket", Role::way, Form::text},
    {"unix", Role::way, Form::text},
    {"thread", Role::way, Form::flag},
    {"via", Role::modifier, Form::text},
    {"net", Role::way_later, Form::text},
    {"sudo", Role::way, Form::text},
    {"docker", Role::way, Form::text},
    {"podman", Role::way, Form::text},
    {"kubectl", Role::way, Form::text},
    {"lxc", Role::way, Form::text},
    {"nsenter", Role::way, Form::text},
    {"slurm", Role::way_later, Form::optional_text},
    {"bwrap", Role::way, Form::optional_text},
    {"cmd", Role::way, Form::text},
    {"python", Role::modifier, Form::text},
    {"before", Role::modifier, Form::text},
    {"id", Role::modifier, Form::text},
    {"chdir", Role::modifier, Form::text},
    {"nice", Role::modifier, Form::number},
    {"execmodel", Role::modifier, Form::execution},
    {"engine", Role::modifier, Form::text},
    {"dont_write_bytecode", Role::modifier, Form::optional_text},
    {"ssh_config", Role::modifier, Form::text},
    {"token", Role::modifier, Form::text},
    {"platform", Role::modifier, Form::text},
    {"trust", Role::modifier, Form::trust},
    {"imports", Role::modifier, Form::imports},
    {"warm", Role::modifier, Form::text},
}};

const Key *known(std::string_view name) {
    const auto key = std::ranges::find(keys, name, &Key::name);
    return key == keys.end() ? nullptr : &*key;
}

std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j)
            diagonal = std::exchange(
                row[j], std::min({row[j] + 1, row[j - 1] + 1,
                                  diagonal + static_cast<std::size_t>(a[i - 1] != b[j - 1])}));
    }
    return row.back();
}

std::string nearest(std::string_view name) {
    const auto key = std::ranges::min_element(
        keys, {}, [name](const Key &candidate) { return distance(name, candidate.name); });
    if (distance(name, key->name) <= std::max<std::size_t>(1, name.size() / 3))
        return "did you mean `" + std::string(key->name) + "`?";
    std::string all;
    for (const Key &candidate : keys)
        if (candidate.role != Role::way_later)
            all += (all.empty() ? "" : ", ") + std::string(candidate.name);
    return "known keys: " + all + ", env:NAME";
}

void check_form(const Key &key, const Attribute &given) {
    const std::string name = "`" + given.key + "`";
    const bool needs_value = key.form != Form::flag && key.form != Form::optional_text;
    if (needs_value && given.value.empty())
        refuse(name + " needs a value", "write " + given.key + "=…");
    if (key.form == Form::flag && !given.flag)
        refuse(name + " takes no value, but is given `" + given.value + "`",
               "write " + given.key + " alone");
    if (key.form == Form::number) {
        int number = 0;
        const char *end = given.value.data() + given.value.size();
        const auto [rest, wrong] = std::from_chars(given.value.data(), end, number);
        if (wrong != std::errc() || rest != end)
            refuse(name + " is not a number: " + given.value, "for example " + given.key + "=10");
    }
    if (key.form == Form::execution && given.value != "thread" && given.value != "main_thread_only")
        refuse("there is no execmodel `" + given.value + "`",
               "execmodel=thread or execmodel=main_thread_only");
    if (key.form == Form::trust && given.value != "values")
        refuse("there is no trust `" + given.value + "`", "trust=values, or leave it away");
    if (key.form == Form::imports && given.value != "controller" && given.value != "no")
        refuse("there are no imports `" + given.value + "`", "imports=controller or imports=no");
}

} // namespace

XSpec::XSpec(std::string text) : text_(std::move(text)) {
    for (std::size_t at = 0; at <= text_.size();) {
        const std::size_t end = std::min(text_.find("//", at), text_.size());
        const std::string part = text_.substr(at, end - at);
        at = end + 2;
        const std::size_t equals = part.find('=');
        Attribute given = {part.substr(0, equals), {}, equals == std::string::npos};
        if (!given.flag) given.value = part.substr(equals + 1);
        if (given.key.empty() || given.key.starts_with('_'))
            refuse("`" + given.key + "` is not a key, in the spec `" + text_ + "`",
                   given.key.empty() ? "for example: popen, or ssh=host//python=3.12"
                                     : "keys do not begin with `_`");
        const bool variable = given.key.starts_with("env:");
        if (variable) given.key.erase(0, 4);
        if (variable && given.key.empty())
            refuse("a variable without a name, in the spec `" + text_ + "`",
                   "write env:NAME=value");
        auto &list = variable ? environment_ : attributes_;
        if (std::ranges::find(list, given.key, &Attribute::key) != list.end())
            refuse("duplicate key: `" + std::string(variable ? "env:" : "") + given.key +
                       "`, in the spec `" + text_ + "`",
                   "give it once");
        list.push_back(std::move(given));
    }
}

const Attribute *XSpec::find(std::string_view key) const noexcept {
    const auto found = std::ranges::find(attributes_, key, &Attribute::key);
    return found == attributes_.end() ? nullptr : &*found;
}

std::optional<std::string> XSpec::get(std::string_view key) const {
    const Attribute *found = find(key);
    return found == nullptr ? std::nullopt : std::optional(found->value);
}

void XSpec::set(std::string_view key, std::string value) {
    const auto found = std::ranges::find(attributes_, key, &Attribute::key);
    if (found == attributes_.end())
        attributes_.push_back({std::string(key), std::move(value), false});
    else
        *found = {std::string(key), std::move(value), false};
}

bool is_known_key(std::string_view key) noexcept { return known(key) != nullptr; }

void validate(const XSpec &spec) {
    const Attribute *way = nullptr;
    for (const Attribute &given : spec.attributes()) {
        const Key *key = known(given.key);
        if (key == nullptr)
            refuse("unknown key `" + given.key + "` in the spec `" + spec.text() + "`",
                   nearest(given.key));
        check_form(*key, given);
        if (key->role == Role::way_later)
            throw Error(ErrorKind::unsupported, "`" + given.key + "=` is not in this version",
                        "it is planned; for example popen and ssh= are there");
        if (key->role == Role::modifier) continue;
        if (way != nullptr)
            refuse("both `" + way->key + "` and `" + given.key + "` in the spec `" + spec.text() +
                       "`",
                   "a spec says one way to get there");
        way = &given;
    }
    if (way == nullptr && !spec.has("via"))
        refuse("the spec `" + spec.text() + "` does not say how to get there",
               "begin it with popen or ssh=HOST");
    if (spec.has("ssh_config") && !spec.has("ssh"))
        refuse("`ssh_config` without `ssh`, in the spec `" + spec.text() + "`",
               "begin it with ssh=HOST");
    if (spec.has("token") && !spec.has("socket"))
        refuse("`token` without `socket`, in the spec `" + spec.text() + "`",
               "begin it with socket=HOST:PORT");
}

} // namespace elsewhere::transport
