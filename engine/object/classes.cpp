// Classes by value. The shell is what type() makes of name, bases and slots; then the class dict.
#include <iterator>
#include <unordered_map>

#include "engine/cpython/imported_module.hpp"
#include "engine/cpython/object_abi.h"
#include "engine/object/families.hpp"

namespace elsewhere::object {

using namespace snapshot;

namespace {

PyTypeObject *as_type(PyObject *object) { return reinterpret_cast<PyTypeObject *>(object); }

// Made by type.__new__ for this class, and made again with its shell. From 3.15 on all classes
// share a __dict__ and a __weakref__ that say they were object's, which has none.
bool own_descriptor(PyObject *type, PyObject *value) {
    if (Py_TYPE(value) != &PyMemberDescr_Type && Py_TYPE(value) != &PyGetSetDescr_Type)
        return false;
    PyTypeObject *owner = PyDescr_TYPE(value);
    if (reinterpret_cast<PyObject *>(owner) == type) return true;
    return owner == &PyBaseObject_Type &&
           PyDict_GetItemWithError(elw_type_dict(owner), PyDescr_NAME(value)) == nullptr;
}

// The ABC data of a class: (registered classes as weak references, …); null if it is no ABC.
Ref abc_dump(PyObject *type) {
    Ref abc = Ref::checked(imported_module("_abc"));
    return Ref::checked(PyObject_CallMethod(abc.get(), "_get_dump", "(O)", type));
}

// It would run again, and before the metaclass is whole.
bool orders_bases_itself(PyTypeObject *meta) {
    Ref name = Ref::checked(PyUnicode_InternFromString("mro"));
    return _PyType_Lookup(meta, name.get()) != _PyType_Lookup(&PyType_Type, name.get());
}

bool is_abc_data(PyObject *name) {
    return PyUnicode_CompareWithASCIIString(name, "_abc_impl") == 0;
}

// Names and values of methods and of what leads to no instance; from `split` on the metaclass and
// the bases; names and values of the others (`count` of both), those that the library has put there
// first; classes that are registered.
void gather(Walk &walk, Visit &visit) {
    PyObject *type = visit.object.get();
    visit.parts = std::make_unique<std::vector<Part>>();
    auto &parts = *visit.parts;
    std::vector<Part> plain, dunder, others;
    PyObject *key = nullptr, *value = nullptr;
    for (Py_ssize_t at = 0; PyDict_Next(as_type(type)->tp_dict, &at, &key, &value);) {
        if (!PyUnicode_Check(key)) continue; // only through vars(cls) tricks: type() forbids it
        const bool abc = is_abc_data(key);
        if (abc) visit.flags = 1;
        const Rank rank = abc ? Rank::plain : rank_of(walk, value);
        const std::string label = "." + text(key);
        auto &to = rank == Rank::function     ? parts
                   : rank == Rank::plain      ? plain
                   : label.starts_with(".__") ? dunder
                                              : others;
        to.push_back({Ref::share(key), ""});
        to.push_back({abc ? Ref() : Ref::share(value), label});
    }
    auto add = [&](std::vector<Part> &more) {
        std::move(more.begin(), more.end(), std::back_inserter(parts));
    };
    add(plain);
    visit.split = static_cast<std::uint32_t>(parts.size());
    parts.push_back({Ref::share(reinterpret_cast<PyObject *>(Py_TYPE(type))), ".__class__"});
    PyObject *mro = as_type(type)->tp_mro;
    for (Py_ssize_t i = PyTuple_GET_SIZE(mro) - 1; i > 0; --i)
        parts.push_back(
            {Ref::share(PyTuple_GET_ITEM(mro, i)), ".__mro__[" + std::to_string(i) + "]"});
    const std::size_t rest = parts.size();
    add(dunder);
    add(others);
    visit.count = static_cast<Py_ssize_t>(parts.size() - rest);
    for (std::size_t i = rest + 1; i < parts.size(); i += 2)
        if (is_container(parts[i].value.get())) walk.shell_ahead(parts[i].value.get());
    if (visit.flags == 0) return;
    Ref dump = abc_dump(type);
    Ref registered = Ref::checked(PySequence_List(PyTuple_GET_ITEM(dump.get(), 0)));
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(registered.get()); ++i) {
        Ref one = Ref::checked(PyObject_CallNoArgs(PyList_GET_ITEM(registered.get(), i)));
        if (one.get() != Py_None) parts.push_back({std::move(one), ".register()"});
    }
}

// Names and values in the order of the class dict.
std::vector<Reference> in_order(Walk &walk, const Visit &visit, std::span<const Reference> refs) {
    const std::size_t others = others_of(visit);
    const std::size_t end = others + static_cast<std::size_t>(visit.count);
    std::unordered_map<PyObject *, std::size_t> places;
    for (std::size_t i = 0; i < end; i += 2) {
        if (i == visit.split) i = others;
        if (i < end) places.emplace((*visit.parts)[i].value.get(), i);
    }
    std::vector<Reference> pairs;
    PyObject *key = nullptr, *value = nullptr;
    PyObject *dict = as_type(visit.object.get())->tp_dict;
    for (Py_ssize_t at = 0; PyDict_Next(dict, &at, &key, &value);) {
        const auto found = places.find(key);
        if (found == places.end()) continue; // it has come meanwhile
        pairs.push_back(refs[found->second]);
        pairs.push_back(refs[found->second + 1]);
    }
    if (pairs.size() != places.size() * 2)
        throw walk.refusal("the class was changed while it was read",
                           "keep __reduce__ and __getstate__ free of side effects");
    return pairs;
}

PyObject *class_next(Walk &walk, Visit &visit) {
    if (!visit.parts) {
        PyObject *type = visit.object.get();
        walk.unfilled().erase(type);
        if (visit.id == 0)
            visit.id = static_cast<std::uint32_t>(class_reference(walk, type, visit.serial) >> 1);
        walk.unfilled().erase(type);
        gather(walk, visit);
    }
    PyObject *child = next_part(walk, visit);
    if (child != nullptr && child != Walk::null_child() &&
        (walk.unfilled().count(child) != 0 || walk.is_shell_ahead(child)))
        walk.force();
    return child;
}

void class_finish(Walk &walk, Visit &visit, std::span<const Reference> refs) {
    walk.op(Op::class_fill);
    walk.ref(visit);
    Ref qualname = Ref::checked(elw_type_qualname(as_type(visit.object.get())));
    walk.out().text(text(qualname.get()));
    walk.out().varint(visit.flags);
    walk.pairs(in_order(walk, visit, refs));
    walk.refs(refs.subspan(others_of(visit) + static_cast<std::size_t>(visit.count)));
}

void class_again(Walk &, Visit &) {} // it always has its shell

} // namespace

std::size_t others_of(const Visit &visit) {
    return visit.split +
           static_cast<std::size_t>(PyTuple_GET_SIZE(as_type(visit.object.get())->tp_mro));
}

const Family class_family{class_next, class_finish, class_again, nullptr};

// `refs`: of the parts that are complete; `inside`: of the one that is being visited.
void give_class_so_far(Walk &walk, Visit &visit, std::span<const Reference> refs,
                       Reference inside) {
    const std::size_t others = others_of(visit);
    const std::size_t end = others + static_cast<std::size_t>(visit.count);
    std::vector<Reference> pairs;
    auto give = [&](Reference name, Reference value) {
        if (value == to_reference(id_null)) return;
        pairs.push_back(name);
        pairs.push_back(Walk::is_unresolved(value) ? to_reference(id_none) : value);
    };
    std::size_t at = visit.given;
    for (; at < refs.size() && at < end; at = visit.given) {
        const bool is_pair = at < visit.split || at >= others;
        if (is_pair && at + 1 == refs.size()) break; // its value is being visited
        if (is_pair) give(refs[at], refs[at + 1]);
        visit.given += is_pair ? 2 : 1;
    }
    if (at < refs.size() && at < end) give(refs[at], inside);
    if (!visit.shells_given) {
        visit.shells_given = true;
        for (std::size_t i = others; i < end; i += 2) {
            PyObject *value = (*visit.parts)[i + 1].value.get();
            Reference shell;
            if (is_container(value) && walk.now(value, shell))
                give(walk.reference((*visit.parts)[i].value.get()), shell);
        }
    }
    if (pairs.empty()) return;
    walk.op(Op::class_part);
    walk.ref(visit);
    walk.out().varint(visit.flags);
    walk.pairs(pairs);
}

bool is_class_namespace(Walk &walk, PyObject *dict) {
    static PyObject *const marks[] = {PyUnicode_InternFromString("__module__"),
                                      PyUnicode_InternFromString("__doc__")};
    for (PyObject *mark : marks)
        if (PyDict_GetItemWithError(dict, mark) == nullptr) return false;
    return static_cast<bool>(walk.names().class_of_dict(dict));
}

namespace {

// Made at once, of a class that may be a shell: it is the same dict when that is filled.
PyObject *namespace_next(Walk &walk, Visit &visit) {
    if (!visit.parts) {
        Ref type = walk.names().class_of_dict(visit.object.get());
        const Reference holder = class_reference(walk, type.get(), visit.serial);
        Ref keep = Ref::checked(imported_module("elsewhere._keep.scopes"));
        Ref maker = Ref::checked(PyObject_GetAttrString(keep.get(), "namespace_of"));
        Reference function;
        if (!walk.now(maker.get(), function))
            throw walk.refusal("the namespace of a class, without elsewhere's own package");
        walk.make(visit, Op::call);
        walk.out().varint(function);
        walk.refs({&holder, 1});
        visit.parts = std::make_unique<std::vector<Part>>();
        visit.parts->push_back({std::move(type), ".__class__"});
    }
    PyObject *child = next_part(walk, visit);
    if (child != nullptr && child != Walk::null_child() && walk.unfilled().count(child) != 0)
        walk.force();
    return child;
}

void namespace_finish(Walk &, Visit &, std::span<const Reference>) {}
void namespace_again(Walk &, Visit &) {} // it has been made

} // namespace

const Family namespace_family{namespace_next, namespace_finish, namespace_again, nullptr};

bool made_by_python(PyTypeObject *type) {
    // What type.__new__ gives as deallocator to every class it makes.
    static const destructor python_dealloc = [] {
        Ref probe = Ref::checked(
            PyObject_CallFunction(reinterpret_cast<PyObject *>(&PyType_Type), "s(){}", "probe"));
        return as_type(probe.get())->tp_dealloc;
    }();
    return (type->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0 && type->tp_dealloc == python_dealloc;
}

Reference class_reference(Walk &walk, PyObject *type, std::uint32_t serial) {
    Reference reference;
    if (walk.now(type, reference)) return reference;
    if (!made_by_python(as_type(type)))
        throw walk.refusal("the type " + std::string(as_type(type)->tp_name) +
                               " is made by C and its module does not know it by name",
                           "register a reducer for it with copyreg");
    if (orders_bases_itself(Py_TYPE(type)))
        throw walk.refusal("the metaclass " + std::string(Py_TYPE(type)->tp_name) + " of " +
                               as_type(type)->tp_name +
                               " orders its bases with an mro() of its own",
                           "leave mro() to type");
    const Reference meta =
        class_reference(walk, reinterpret_cast<PyObject *>(Py_TYPE(type)), serial);
    PyObject *base_tuple = as_type(type)->tp_bases;
    std::vector<Reference> bases, slots;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(base_tuple); ++i)
        bases.push_back(class_reference(walk, PyTuple_GET_ITEM(base_tuple, i), serial));
    PyObject *dict = as_type(type)->tp_dict;
    PyObject *key = nullptr, *value = nullptr;
    bool has_slots = false;
    for (Py_ssize_t at = 0; PyDict_Next(dict, &at, &key, &value);) {
        if (PyUnicode_CompareWithASCIIString(key, "__slots__") == 0) has_slots = true;
        if (!own_descriptor(type, value)) continue;
        Reference name;
        if (walk.now(PyDescr_NAME(value), name)) slots.push_back(name);
    }
    // Without __slots__, __dict__ and __weakref__ come by themselves.
    if (!has_slots) slots.clear();
    const std::uint32_t id = walk.make(type, Op::class_shell, serial);
    walk.memo().add(type, id, serial);
    Writer &out = walk.out();
    out.varint(meta);
    out.text(text(reinterpret_cast<PyHeapTypeObject *>(type)->ht_name));
    walk.refs(bases);
    out.varint(has_slots ? 1 : 0);
    walk.refs(slots);
    walk.unfilled().insert(type);
    return to_reference(id);
}

} // namespace elsewhere::object
