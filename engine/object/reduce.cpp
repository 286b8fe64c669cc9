// Everything that says itself how to rebuild it: reducers of ours, copyreg, __reduce_ex__(5).
// With pickle's meaning of the tuple: callable, arguments, state, items, pairs, state setter.
#include <algorithm>

#include "engine/cpython/imported_module.hpp"
#include "engine/object/families.hpp"

namespace elsewhere::object {

using namespace snapshot;

namespace {

// Flags of a visit: some of what the call is given is written at the end of the walk; functions of
// the program fill it.
constexpr unsigned made_of_unfinished = 1, filled_by_program = 2;

// Iterators whose reduce makes a detached copy of what they run over.
bool reduce_lies(PyObject *object) {
    static const char *const types[] = {"dict_keyiterator",
                                        "dict_valueiterator",
                                        "dict_itemiterator",
                                        "dict_reversekeyiterator",
                                        "dict_reversevalueiterator",
                                        "dict_reverseitemiterator",
                                        "set_iterator",
                                        "odict_iterator"};
    for (const char *type : types)
        if (type_name(object) == type) return true;
    return false;
}

Ref reduced(Walk &walk, PyObject *object) {
    const Kind &kind = walk.kind(Py_TYPE(object));
    if (kind.reducer) return Ref::steal(PyObject_CallOneArg(kind.reducer.get(), object));
    if (kind.member_reducer && !walk.names().find(reinterpret_cast<PyObject *>(Py_TYPE(object))))
        return Ref::steal(PyObject_CallOneArg(kind.member_reducer.get(), object));
    if (reduce_lies(object))
        throw walk.refusal("a " + type_name(object) + " cannot be kept attached to its container",
                           "iterate over list(…) of it, or finish the loop first");
    if (type_name(object).substr(0, 10) != "itertools.")
        return Ref::steal(PyObject_CallMethod(object, "__reduce_ex__", "i", 5));
    // itertools still does it, but with a DeprecationWarning that is not the program's.
    Ref warnings = Ref::checked(imported_module("warnings"));
    Ref quiet = Ref::checked(PyObject_CallMethod(warnings.get(), "catch_warnings", nullptr));
    (void)Ref::checked(PyObject_CallMethod(quiet.get(), "__enter__", nullptr));
    (void)Ref::checked(PyObject_CallMethod(warnings.get(), "simplefilter", "s", "ignore"));
    Ref tuple = Ref::steal(PyObject_CallMethod(object, "__reduce_ex__", "i", 5));
    PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
    PyErr_Fetch(&type, &value, &trace);
    (void)Ref::checked(
        PyObject_CallMethod(quiet.get(), "__exit__", "OOO", Py_None, Py_None, Py_None));
    PyErr_Restore(type, value, trace);
    return tuple;
}

// TypeVar, ParamSpec and TypeVarTuple reduce to their name, which only their module could look
// up. Made again: functools.partial(TypeVar, **options)(name, *constraints). Null for others.
Ref type_parameter(PyObject *object) {
    Ref typing = Ref::checked(imported_module("typing"));
    bool known = false;
    for (const char *name : {"TypeVar", "ParamSpec", "TypeVarTuple"}) {
        Ref type = Ref::steal(PyObject_GetAttrString(typing.get(), name));
        if (!type) PyErr_Clear(); // TypeVarTuple is new in 3.11
        known = known || reinterpret_cast<PyObject *>(Py_TYPE(object)) == type.get();
    }
    if (!known) return {};
    Ref options = Ref::checked(PyDict_New());
    static const char *const names[][2] = {{"__bound__", "bound"},
                                           {"__covariant__", "covariant"},
                                           {"__contravariant__", "contravariant"},
                                           {"__infer_variance__", "infer_variance"}};
    for (const auto &[attribute, option] : names) {
        Ref value = Ref::steal(PyObject_GetAttrString(object, attribute));
        if (!value) {
            PyErr_Clear(); // not every kind of parameter or Python has it
            continue;
        }
        if (value.get() == Py_None || value.get() == Py_False) continue;
        if (PyDict_SetItemString(options.get(), option, value.get()) < 0) throw PythonError{};
    }
    Ref functools = Ref::checked(imported_module("functools"));
    Ref partial = Ref::checked(PyObject_GetAttrString(functools.get(), "partial"));
    Ref one = Ref::checked(PyTuple_Pack(1, Py_TYPE(object)));
    Ref maker = Ref::checked(PyObject_Call(partial.get(), one.get(), options.get()));
    Ref arguments = Ref::checked(PyList_New(0));
    Ref name = Ref::checked(PyObject_GetAttrString(object, "__name__"));
    if (PyList_Append(arguments.get(), name.get()) < 0) throw PythonError{};
    if (Ref constraints = Ref::steal(PyObject_GetAttrString(object, "__constraints__")))
        (void)Ref::checked(
            PyObject_CallMethod(arguments.get(), "extend", "(O)", constraints.get()));
    else
        PyErr_Clear(); // only a TypeVar has them
    Ref module = Ref::checked(PyObject_GetAttrString(object, "__module__"));
    Ref state = Ref::checked(Py_BuildValue("(O{sO})", Py_None, "__module__", module.get()));
    Ref tuple = Ref::checked(PyList_AsTuple(arguments.get()));
    return Ref::checked(PyTuple_Pack(3, maker.get(), tuple.get(), state.get()));
}

// An instance of a Python class by its attributes, those in slots too (typing.NewType).
Ref by_attributes(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    if ((type->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0 || type->tp_new != PyBaseObject_Type.tp_new ||
        type->tp_itemsize != 0)
        return {};
    Ref module = Ref::checked(imported_module("copyreg"));
    Ref names = Ref::checked(PyObject_CallMethod(module.get(), "_slotnames", "O", type));
    if (!PyList_Check(names.get())) return {};
    // Beside them a dict and a list of weak references.
    const Py_ssize_t pointers = 2 + PyList_GET_SIZE(names.get());
    if (type->tp_basicsize > static_cast<Py_ssize_t>(sizeof(PyObject)) +
                                 pointers * static_cast<Py_ssize_t>(sizeof(void *)))
        return {};
    Ref slots = Ref::checked(PyDict_New());
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(names.get()); ++i) {
        PyObject *name = PyList_GET_ITEM(names.get(), i);
        PyObject *slot = _PyType_Lookup(type, name); // no __getattr__ answers for an empty one
        if (slot == nullptr || !Py_IS_TYPE(slot, &PyMemberDescr_Type)) return {};
        Ref value = Ref::steal(
            Py_TYPE(slot)->tp_descr_get(slot, object, reinterpret_cast<PyObject *>(type)));
        if (!value) PyErr_Clear(); // it is empty
        if (value && PyDict_SetItem(slots.get(), name, value.get()) < 0) throw PythonError{};
    }
    Ref attributes = Ref::steal(PyObject_GetAttrString(object, "__dict__"));
    if (!attributes) PyErr_Clear(); // it has none
    // One without either is told apart from others by nothing but its name.
    if (!attributes && PyDict_GET_SIZE(slots.get()) == 0) return {};
    Ref maker = Ref::checked(PyObject_GetAttrString(module.get(), "__newobj__"));
    Ref arguments = Ref::checked(PyTuple_Pack(1, type));
    PyObject *dict = attributes ? attributes.get() : Py_None;
    Ref state = PyDict_GET_SIZE(slots.get()) == 0
                    ? Ref::share(dict)
                    : Ref::checked(PyTuple_Pack(2, dict, slots.get()));
    return Ref::checked(PyTuple_Pack(3, maker.get(), arguments.get(), state.get()));
}

// Does it say of itself that a function finds it in a class of the program's? That class is kept by
// value, and it with it.
bool is_in_a_class(Walk &walk, PyObject *object, PyObject *tuple) {
    const Kind &kind = walk.kind(Py_TYPE(object));
    if (kind.reducer || kind.member_reducer || !PyTuple_Check(tuple) ||
        PyTuple_GET_SIZE(tuple) != 2 || PyType_Check(PyTuple_GET_ITEM(tuple, 0)))
        return false;
    PyObject *arguments = PyTuple_GET_ITEM(tuple, 1);
    for (Py_ssize_t i = 0; PyTuple_Check(arguments) && i < PyTuple_GET_SIZE(arguments); ++i) {
        PyObject *holder = PyTuple_GET_ITEM(arguments, i);
        auto *type = reinterpret_cast<PyTypeObject *>(holder);
        if (!PyType_Check(holder) || !made_by_python(type)) continue;
        PyObject *value = nullptr;
        for (Py_ssize_t at = 0; PyDict_Next(type->tp_dict, &at, nullptr, &value);)
            if (value == object) return !walk.names().find(holder);
    }
    return false;
}

void gather(Walk &walk, Visit &visit) {
    PyObject *object = visit.object.get();
    Ref tuple = reduced(walk, object);
    if (!tuple) {
        const char *hint = PyErr_ExceptionMatches(PyExc_TypeError)
                               ? "close or drop it before, or give its class a __reduce__"
                               : "";
        walk.refuse_python_error("__reduce_ex__ failed", hint);
    }
    visit.parts = std::make_unique<std::vector<Part>>();
    auto &parts = *visit.parts;
    auto add = [&](PyObject *value, std::string label) {
        parts.push_back({Ref::share(value), std::move(label)});
    };
    if (PyUnicode_Check(tuple.get())) {
        if (Ref made = type_parameter(object)) {
            tuple = std::move(made);
        } else if (Ref attributes = by_attributes(object)) {
            tuple = std::move(attributes);
        } else {
            throw walk.refusal("its reduce says that it is the global \"" + text(tuple.get()) +
                               "\", which is not known by that name");
        }
    } else if (is_in_a_class(walk, object, tuple.get())) {
        tuple = by_attributes(object);
        if (!tuple)
            throw walk.refusal("its reduce says that it is found in a class of the program's",
                               "let it be made by object.__new__, with attributes or slots");
    }
    const Py_ssize_t size = PyTuple_Check(tuple.get()) ? PyTuple_GET_SIZE(tuple.get()) : 0;
    if (size < 2 || size > 6 || !PyTuple_Check(PyTuple_GET_ITEM(tuple.get(), 1)))
        throw walk.refusal("its __reduce_ex__ returns no tuple of two to six");
    auto field = [&](Py_ssize_t i) {
        return i < size && PyTuple_GET_ITEM(tuple.get(), i) != Py_None
                   ? PyTuple_GET_ITEM(tuple.get(), i)
                   : nullptr;
    };
    const auto is_slots = [](PyObject *state) {
        return PyTuple_Check(state) && PyTuple_GET_SIZE(state) == 2;
    };
    PyObject *const state = field(2);
    if (state != nullptr && !PyDict_Check(state) && !is_slots(state) && field(5) == nullptr &&
        PyObject_HasAttrString(object, "__setstate__") == 0)
        throw walk.refusal("its state is a " + type_name(state) + ", and it has no __setstate__",
                           "give its class a __setstate__");
    add(PyTuple_GET_ITEM(tuple.get(), 0), ".__reduce__()[0]");
    PyObject *arguments = PyTuple_GET_ITEM(tuple.get(), 1);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(arguments); ++i)
        add(PyTuple_GET_ITEM(arguments, i), ".__reduce__()[1][" + std::to_string(i) + "]");
    visit.split = static_cast<std::uint32_t>(parts.size());
    add(field(2) ? field(2) : nullptr, "");
    add(field(5), ".__reduce__()[5]");
    if (PyObject *items = field(3)) {
        Ref list = Ref::steal(PySequence_List(items));
        if (!list) walk.refuse_python_error("iterating its items failed");
        visit.count = PyList_GET_SIZE(list.get());
        for (Py_ssize_t i = 0; i < visit.count; ++i)
            add(PyList_GET_ITEM(list.get(), i), "[" + std::to_string(i) + "]");
    }
    if (PyObject *pairs = field(4)) {
        Ref list = Ref::steal(PySequence_List(pairs));
        if (!list) walk.refuse_python_error("iterating its items failed");
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list.get()); ++i) {
            PyObject *pair = PyList_GET_ITEM(list.get(), i);
            if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2)
                throw walk.refusal("its __reduce_ex__ returns items that are no pairs");
            add(PyTuple_GET_ITEM(pair, 0), "[key]");
            add(PyTuple_GET_ITEM(pair, 1), key_label(PyTuple_GET_ITEM(pair, 0)));
        }
    }
}

// Functions and classes need not be whole.
bool is_made_of_unfinished(Walk &walk, const Visit &visit) {
    for (std::size_t i = 0; i < visit.split; ++i) {
        PyObject *part = (*visit.parts)[i].value.get();
        const bool called = PyFunction_Check(part) || PyType_Check(part) || PyModule_Check(part);
        if (!called && walk.is_unfinished(part)) return true;
    }
    return false;
}

// Of what it is made, and itself: is there a class that is not ready for that?
bool is_too_early(Walk &walk, const Visit &visit) {
    if (walk.is_in_globals()) return true; // they are given as a whole
    if (walk.is_unprepared(reinterpret_cast<PyObject *>(Py_TYPE(visit.object.get())))) return true;
    for (std::size_t i = 0; i < visit.split; ++i) {
        PyObject *part = (*visit.parts)[i].value.get();
        if (part != nullptr && PyMethod_Check(part)) part = PyMethod_GET_SELF(part);
        if (part != nullptr && walk.is_unprepared(part)) return true;
    }
    return false;
}

// A function of the program, of which it is not known what it uses?
bool is_own_function(Walk &walk, PyObject *object) {
    if (object == nullptr) return false;
    if (PyMethod_Check(object)) object = PyMethod_GET_FUNCTION(object);
    Ref inside;
    if (Py_IS_TYPE(object, &PyStaticMethod_Type) || Py_IS_TYPE(object, &PyClassMethod_Type)) {
        inside = Ref::checked(PyObject_GetAttrString(object, "__func__"));
        object = inside.get();
    }
    return PyFunction_Check(object) && !walk.names().find(object);
}

bool has_own(Walk &walk, PyTypeObject *type, std::initializer_list<const char *> methods) {
    return std::any_of(methods.begin(), methods.end(), [&](const char *method) {
        return is_own_function(walk, found(type, method));
    });
}

// Does the program itself make it? By a function, a class, or what makes instances of the class
// that it is given first (copyreg.__newobj__).
bool is_made_by_program(Walk &walk, const Visit &visit) {
    const auto &parts = *visit.parts;
    PyObject *callable = parts[0].value.get();
    if (is_own_function(walk, callable)) return true;
    if (PyType_Check(callable)) {
        auto *type = reinterpret_cast<PyTypeObject *>(callable);
        return has_own(walk, type, {"__new__", "__init__"}) ||
               has_own(walk, Py_TYPE(type), {"__call__"});
    }
    PyObject *first = visit.split > 1 ? parts[1].value.get() : nullptr;
    return PyFunction_Check(callable) && first != nullptr && PyType_Check(first) &&
           has_own(walk, reinterpret_cast<PyTypeObject *>(first), {"__new__"});
}

bool is_filled_by_program(Walk &walk, const Visit &visit) {
    PyTypeObject *type = Py_TYPE(visit.object.get());
    const auto &parts = *visit.parts;
    PyObject *state = parts[visit.split].value.get(), *setter = parts[visit.split + 1].value.get();
    if (setter != nullptr && is_own_function(walk, setter)) return true;
    if (state != nullptr && setter == nullptr && has_own(walk, type, {"__setstate__"})) return true;
    const bool items = visit.count > 0;
    const bool pairs = parts.size() > visit.split + 2 + static_cast<std::size_t>(visit.count);
    return (items && has_own(walk, type, {"append"})) ||
           (pairs && has_own(walk, type, {"__setitem__"}));
}

PyObject *reduce_next(Walk &walk, Visit &visit) {
    if (!visit.parts) gather(walk, visit);
    if (visit.at == static_cast<Py_ssize_t>(visit.split) && visit.id == 0) {
        walk.made();
        if (is_made_of_unfinished(walk, visit)) visit.flags |= made_of_unfinished;
        if (is_filled_by_program(walk, visit)) visit.flags |= filled_by_program;
        if (visit.unresolved || (visit.flags & made_of_unfinished) != 0 ||
            is_made_by_program(walk, visit) || is_too_early(walk, visit)) {
            visit.unresolved = true; // at the end of the walk
        } else {
            walk.give_open_namespaces();
            make_by_call(walk, visit, walk.so_far(visit));
        }
    }
    return next_part(walk, visit);
}

void reduce_finish(Walk &walk, Visit &visit, std::span<const Reference> refs) {
    const Reference state = refs[visit.split], setter = refs[visit.split + 1];
    const auto items = refs.subspan(visit.split + 2, static_cast<std::size_t>(visit.count));
    const auto pairs = refs.subspan(visit.split + 2 + items.size());
    if (!items.empty()) {
        walk.op(Op::extend);
        walk.ref(visit);
        walk.refs(items);
    }
    if (!pairs.empty()) {
        walk.op(Op::update);
        walk.ref(visit);
        walk.pairs(pairs);
    }
    if (state != to_reference(id_null)) {
        const bool with = setter != to_reference(id_null);
        walk.op(with ? Op::build_with : Op::build);
        walk.ref(visit);
        walk.out().varint(state);
        if (with) walk.out().varint(setter);
    }
}

} // namespace

void make_by_call(Walk &walk, Visit &visit, std::span<const Reference> made_of) {
    walk.make(visit, Op::call);
    walk.out().varint(made_of[0]);
    walk.refs(made_of.subspan(1));
}

bool is_filled_by_program(const Visit &visit) {
    return visit.family == &reduce_family && (visit.flags & filled_by_program) != 0;
}

bool is_unmade(const Visit &visit, bool whole) {
    return visit.family == &reduce_family && visit.id == 0 &&
           !(whole && (visit.flags & made_of_unfinished) != 0);
}

// pickle.PickleBuffer, from a protocol 5 reduce: its bytes, in band, as pickle does it.
bool now_buffer(Walk &walk, PyObject *object, Reference &reference) {
    Py_buffer view;
    if (PyObject_GetBuffer(object, &view, PyBUF_FULL_RO) < 0) throw PythonError{};
    Ref bytes = Ref::steal(PyBytes_FromStringAndSize(nullptr, view.len));
    const bool ok =
        bytes && PyBuffer_ToContiguous(PyBytes_AS_STRING(bytes.get()), &view, view.len, 'A') == 0;
    const Op op = view.readonly != 0 ? Op::bytes : Op::byte_array;
    PyBuffer_Release(&view);
    if (!ok) throw PythonError{};
    reference = to_reference(walk.make(object, op));
    walk.out().text(
        {PyBytes_AS_STRING(bytes.get()), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.get()))});
    return true;
}

const Family reduce_family{reduce_next, reduce_finish, nullptr, nullptr};

} // namespace elsewhere::object
