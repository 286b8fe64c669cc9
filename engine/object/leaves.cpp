// Strings, numbers and the like: written at once, referred to by nothing inside.
#include "engine/object/families.hpp"

namespace elsewhere::object {

using namespace snapshot;

bool now_string(Walk &walk, PyObject *object, Reference &reference) {
    const Op op = PyUnicode_CHECK_INTERNED(object) ? Op::interned : Op::string;
    // A mark that a library compares by identity, such as argparse.SUPPRESS.
    if (op == Op::string && walk.names().is_mark(object)) return now_named(walk, object, reference);
    if (PyUnicode_IS_COMPACT_ASCII(object)) {
        reference = to_reference(walk.make(object, op));
        walk.out().text({static_cast<const char *>(PyUnicode_DATA(object)),
                         static_cast<std::size_t>(PyUnicode_GET_LENGTH(object))});
        return true;
    }
    Ref encoded = Ref::checked(PyUnicode_AsEncodedString(object, "utf-8", "surrogatepass"));
    reference = to_reference(walk.make(object, op));
    walk.out().text({PyBytes_AS_STRING(encoded.get()),
                     static_cast<std::size_t>(PyBytes_GET_SIZE(encoded.get()))});
    return true;
}

bool now_bytes(Walk &walk, PyObject *object, Reference &reference) {
    reference = to_reference(walk.make(object, Op::bytes));
    walk.bytes(object);
    return true;
}

bool now_byte_array(Walk &walk, PyObject *object, Reference &reference) {
    reference = to_reference(walk.make(object, Op::byte_array));
    walk.out().text(
        {PyByteArray_AS_STRING(object), static_cast<std::size_t>(PyByteArray_GET_SIZE(object))});
    return true;
}

// Ints that do not fit into a reference, or are shared. Base 16 is linear in both directions.
bool now_int(Walk &walk, PyObject *object, Reference &reference) {
    int overflow = 0;
    const long long value = PyLong_AsLongLongAndOverflow(object, &overflow);
    if (overflow == 0 && value <= small_int_max && value >= -small_int_max) {
        reference = to_reference(walk.make(object, Op::shared_int));
        walk.out().varint(small_int_reference(value));
        return true;
    }
    Ref digits = Ref::checked(PyNumber_ToBase(object, 16));
    reference = to_reference(walk.make(object, Op::big_int));
    walk.out().text({static_cast<const char *>(PyUnicode_DATA(digits.get())),
                     static_cast<std::size_t>(PyUnicode_GET_LENGTH(digits.get()))});
    return true;
}

bool now_float(Walk &walk, PyObject *object, Reference &reference) {
    reference = to_reference(walk.make(object, Op::real));
    walk.out().f64(PyFloat_AS_DOUBLE(object));
    return true;
}

bool now_complex(Walk &walk, PyObject *object, Reference &reference) {
    reference = to_reference(walk.make(object, Op::complex));
    const Py_complex value = PyComplex_AsCComplex(object);
    walk.out().f64(value.real);
    walk.out().f64(value.imag);
    return true;
}

bool now_singleton(Walk &, PyObject *object, Reference &reference) {
    FixedId id = id_not_implemented;
    if (object == Py_True)
        id = id_true;
    else if (object == Py_False)
        id = id_false;
    else if (object == Py_Ellipsis)
        id = id_ellipsis;
    reference = to_reference(id);
    return true;
}

std::string type_name(PyObject *object) { return std::string(Py_TYPE(object)->tp_name); }

std::string text(PyObject *unicode) {
    if (unicode == nullptr || !PyUnicode_Check(unicode)) return {};
    Ref encoded = Ref::checked(PyUnicode_AsEncodedString(unicode, "utf-8", "surrogatepass"));
    return {PyBytes_AS_STRING(encoded.get()),
            static_cast<std::size_t>(PyBytes_GET_SIZE(encoded.get()))};
}

Ref take_exception() {
    PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    Ref owned_type = Ref::steal(type), owned = Ref::steal(value), owned_trace = Ref::steal(trace);
    if (!owned) throw Error(ErrorKind::internal, "an error without an exception");
    if (owned_trace && PyException_SetTraceback(owned.get(), owned_trace.get()) < 0)
        throw PythonError{};
    return owned;
}

std::string described(PyObject *exception) {
    std::string message = type_name(exception);
    Ref said = Ref::steal(PyObject_Str(exception));
    if (said)
        message += ": " + text(said.get());
    else
        PyErr_Clear(); // its __str__ fails; the type says enough
    return message;
}

std::string take_python_error() { return described(take_exception().get()); }

} // namespace elsewhere::object
