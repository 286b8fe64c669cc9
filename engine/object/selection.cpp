#include "engine/object/selection.hpp"

#include "engine/object/families.hpp"
#include "engine/object/sources.hpp"
#include "engine/snapshot/operands.hpp"

namespace elsewhere::object {

using namespace snapshot;

namespace {

bool is_id(Reference reference) { return !is_small_int(reference) && reference >> 1 >= id_first; }

// What an object has as a text under a name; empty if it has none.
std::string text_at(PyObject *object, const char *name) {
    Ref value = Ref::steal(PyObject_GetAttrString(object, name));
    if (!value) PyErr_Clear(); // a module without a file, a class without a module
    return value && PyUnicode_Check(value.get()) ? text(value.get()) : std::string();
}

} // namespace

Selection::Selection(Span stream, bool same_process)
    : stream_(stream), same_process_(same_process) {
    read();
    needed_.resize(last_.size());
    mark(root_);
}

void Selection::read() {
    Reader in(stream_.data(), stream_.size());
    in.varint(); // the version
    for (;;) {
        const Op op{in.u8()};
        if (op == Op::end) break;
        const Layout &layout = layout_of(op);
        std::string_view operands = layout.operands;
        std::uint64_t id = id_first + last_.size();
        std::size_t begin = in.offset();
        for (unsigned i = 0; i < layout.made; ++i) last_.push_back(0);
        if (op == Op::module) {
            modules_.emplace(in.text(), id);
            operands.remove_prefix(1);
            partner_.insert({{id, id + 1}, {id + 1, id}});
        }
        if (op == Op::source) {
            const std::string file(in.text());
            sources_.emplace(file, in.text());
            continue;
        }
        if (layout.made == 0 && operands.front() == 'r') {
            id = in.varint() >> 1;
            begin = in.offset();
            operands.remove_prefix(1);
        }
        const std::uint64_t place = id - id_first; // wraps where it is no object
        if (place < last_.size()) {
            operations_.push_back({op, begin, last_[place]});
            last_[place] = operations_.size();
        }
        skip(in, operands);
    }
    root_ = in.varint();
}

void Selection::mark(Reference root) {
    std::vector<std::uint64_t> open;
    const auto meet = [&](Reference reference) {
        if (!is_id(reference)) return;
        const std::uint64_t place = (reference >> 1) - id_first;
        if (place >= needed_.size() || needed_[place]) return;
        needed_[place] = true;
        open.push_back(place + id_first);
    };
    meet(root);
    while (!open.empty()) {
        const std::uint64_t id = open.back();
        open.pop_back();
        if (const auto other = partner_.find(id); other != partner_.end())
            meet(to_reference(other->second));
        Ref known = look_here(id);
        const bool is_function = known && PyFunction_Check(known.get());
        if (known) here_.emplace(id, std::move(known));
        // Whether it is the same function is only known once its code is there.
        if (here(id) != nullptr && !is_function) continue;
        for (std::size_t at = last_[id - id_first]; at != 0; at = operations_[at - 1].previous) {
            const Operation &operation = operations_[at - 1];
            const Layout &layout = layout_of(operation.op);
            std::string_view operands = layout.operands;
            if (layout.made == 0) operands.remove_prefix(1);
            Reader in = this->at(operation.operands);
            for (const char operand : operands) each_reference(in, operand, meet);
        }
    }
}

const Selection::Operation *Selection::find(std::uint64_t id, Op op) const {
    if (id - id_first >= last_.size()) return nullptr;
    for (std::size_t at = last_[id - id_first]; at != 0; at = operations_[at - 1].previous)
        if (operations_[at - 1].op == op) return &operations_[at - 1];
    return nullptr;
}

std::string Selection::text_of(Reference reference) const {
    if (!is_id(reference)) return {};
    for (const Op op : {Op::string, Op::interned})
        if (const Operation *made = find(reference >> 1, op))
            return std::string(at(made->operands).text());
    return {};
}

Reference Selection::value_in(Reader pairs, const char *name) const {
    for (std::size_t left = pairs.count(2); left > 0; --left) {
        const Reference key = pairs.varint(), value = pairs.varint();
        if (text_of(key) == name) return value;
    }
    return to_reference(id_null);
}

Ref Selection::module_here(const std::string &name) {
    auto found = found_.find(name);
    if (found == found_.end()) found = found_.emplace(name, find_module(name)).first;
    return found->second.copy();
}

Ref Selection::find_module(const std::string &name) const {
    Ref module = Ref::share(PyDict_GetItemString(PyImport_GetModuleDict(), name.c_str()));
    if (!module || !PyModule_Check(module.get())) return {};
    const auto found = modules_.find(name);
    if (same_process_) return module;
    if (found == modules_.end()) return name == "__main__" ? Ref() : std::move(module);
    const Operation *outline = find(found->second + 1, Op::module_outline);
    if (outline == nullptr) return {};
    const std::string file = text_of(value_in(at(outline->operands), "__file__"));
    const auto source = sources_.find(file);
    if (file != text_at(module.get(), "__file__") || source == sources_.end()) return {};
    Ref path = Ref::checked(PyUnicode_FromString(file.c_str()));
    return read_source(path.get()) == source->second ? std::move(module) : Ref();
}

Ref Selection::look_here(std::uint64_t id) {
    if (const auto dict = partner_.find(id); dict != partner_.end()) {
        const std::uint64_t module = std::min(id, dict->second);
        Reader in = at(find(module, Op::module)->operands);
        Ref known = module_here(std::string(in.text()));
        if (!known || in.varint() == 0) return {};
        return id == module ? std::move(known) : Ref::share(PyModule_GetDict(known.get()));
    }
    if (find(id, Op::class_shell) != nullptr) return class_here(id);
    if (find(id, Op::function) != nullptr) return function_here(id);
    if (find(id, Op::instance) != nullptr || find(id, Op::instance_shell) != nullptr)
        return member_here(id);
    return {};
}

Ref Selection::class_here(std::uint64_t id) {
    const Operation *fill = find(id, Op::class_fill);
    if (fill == nullptr) return {};
    Reader in = at(fill->operands);
    const std::string qualname(in.text());
    in.varint();
    const std::string name = text_of(value_in(in, "__module__"));
    Ref module = module_here(name);
    Ref known = module ? look_up(module.get(), qualname, Unwrap::nothing) : Ref();
    return known && PyType_Check(known.get()) && text_at(known.get(), "__qualname__") == qualname &&
                   text_at(known.get(), "__module__") == name
               ? std::move(known)
               : Ref();
}

Ref Selection::function_here(std::uint64_t id) {
    const Operation *fill = find(id, Op::function_fill);
    if (fill == nullptr) return {};
    Reader in = at(fill->operands);
    in.count();
    in.varint(); // its name
    const std::string qualname = text_of(in.varint()), name = text_of(in.varint());
    Ref module = module_here(name);
    if (!module || modules_.find(name) == modules_.end()) return {};
    Ref known = look_up(module.get(), qualname, Unwrap::nothing);
    return known && PyFunction_Check(known.get()) ? std::move(known) : Ref();
}

// A member of an enumeration that is here, by its name or, of a flag that is made of several, by
// its value.
Ref Selection::member_here(std::uint64_t id) {
    const Operation *made = find(id, Op::instance);
    const bool whole = made != nullptr;
    if (!whole) made = find(id, Op::instance_shell);
    Reader in = at(made->operands);
    const Reference type = in.varint();
    if (!is_id(type)) return {};
    const auto known = here_.find(type >> 1);
    Ref holder = known != here_.end() ? known->second.copy() : look_here(type >> 1);
    PyObject *members = nullptr;
    if (holder && PyType_Check(holder.get()))
        members = found(reinterpret_cast<PyTypeObject *>(holder.get()), "_member_map_");
    if (members == nullptr || !PyDict_Check(members)) return {};
    const Operation *fill = whole ? made : find(id, Op::instance_fill);
    if (const Operation *dict = find(id, Op::instance_dict)) { // attributes in a dict of its own
        const std::uint64_t which = at(dict->operands).varint() >> 1;
        fill = find(which, Op::dict);
        if (fill == nullptr) fill = find(which, Op::dict_fill);
        in = at(fill == nullptr ? 0 : fill->operands);
    } else if (!whole && fill != nullptr) {
        in = at(fill->operands);
    }
    if (fill == nullptr) return {};
    const std::string name = text_of(value_in(in, "_name_"));
    if (PyObject *member = PyDict_GetItemString(members, name.c_str())) return Ref::share(member);
    const Reference value = value_in(in, "_value_");
    if (!is_small_int(value)) return {};
    Ref member = Ref::steal(PyObject_CallFunction(holder.get(), "L", small_int(value)));
    if (!member) PyErr_Clear(); // it has no such member any more
    return member;
}

} // namespace elsewhere::object
