// re: matches are made again mark by mark, scanners (what finditer runs) put where they were.
#include "python/bindings/entry.hpp"
#include "python/bindings/layouts.hpp"

namespace elsewhere::bindings {

namespace {

// The marks, two per group, begin at the field and go on behind the struct.
Ref match_marks(PyObject *match) {
    const Layout &layout = layout_of(match);
    const Py_ssize_t count = 2 * field<Py_ssize_t>(match, layout, "groups");
    const Py_ssize_t *marks = &field<Py_ssize_t>(match, layout, "mark");
    Ref tuple = Ref::checked(PyTuple_New(count));
    for (Py_ssize_t i = 0; i < count; ++i)
        PyTuple_SET_ITEM(tuple.get(), i, Ref::checked(PyLong_FromSsize_t(marks[i])).release());
    return tuple;
}

// One that holds no pattern and no string yet: safe to drop, not to use.
Ref make_match(PyObject *marks) {
    const Layout &layout = layout_named("re.Match");
    if (!PyTuple_Check(marks) || PyTuple_GET_SIZE(marks) % 2 != 0)
        throw Error(ErrorKind::damaged, "a match without its marks");
    const Py_ssize_t count = PyTuple_GET_SIZE(marks);
    Ref match = Ref::checked(layout.type->tp_alloc(layout.type, count));
    field<Py_ssize_t>(match.get(), layout, "groups") = count / 2;
    Py_ssize_t *to = &field<Py_ssize_t>(match.get(), layout, "mark");
    for (Py_ssize_t i = 0; i < count; ++i) {
        to[i] = PyLong_AsSsize_t(PyTuple_GET_ITEM(marks, i));
        if (to[i] == -1 && PyErr_Occurred()) throw PythonError{};
    }
    return match;
}

// (string, pos, endpos, where the next search starts or None at the end, whether it must advance)
Ref scanner_state(PyObject *scanner) {
    const Layout &layout = layout_of(scanner);
    const char *beginning = field<const char *>(scanner, layout, "beginning");
    const char *start = field<const char *>(scanner, layout, "start");
    Ref next = none();
    if (start != nullptr)
        next = Ref::checked(
            PyLong_FromSsize_t((start - beginning) / field<int>(scanner, layout, "charsize")));
    return Ref::checked(Py_BuildValue("OnnOi", field<PyObject *>(scanner, layout, "string"),
                                      field<Py_ssize_t>(scanner, layout, "pos"),
                                      field<Py_ssize_t>(scanner, layout, "endpos"), next.get(),
                                      field<int>(scanner, layout, "must_advance")));
}

// For a fresh scanner of the same pattern and string.
Ref set_scanner(PyObject *scanner, PyObject *next, PyObject *must_advance) {
    const Layout &layout = layout_of(scanner);
    const char *&start = field<const char *>(scanner, layout, "start");
    if (next == Py_None) {
        start = nullptr;
    } else {
        const Py_ssize_t at = PyLong_AsSsize_t(next);
        if (at == -1 && PyErr_Occurred()) throw PythonError{};
        if (at < field<Py_ssize_t>(scanner, layout, "pos") ||
            at > field<Py_ssize_t>(scanner, layout, "endpos"))
            throw Error(ErrorKind::damaged, "a scanner that is outside of its string");
        start = field<const char *>(scanner, layout, "beginning") +
                at * field<int>(scanner, layout, "charsize");
    }
    const long advance = PyLong_AsLong(must_advance);
    if (advance == -1 && PyErr_Occurred()) throw PythonError{};
    field<int>(scanner, layout, "must_advance") = static_cast<int>(advance);
    return none();
}

PyObject *match_marks_entry(PyObject *, PyObject *match) {
    return entry([&] { return match_marks(match); });
}
PyObject *make_match_entry(PyObject *, PyObject *marks) {
    return entry([&] { return make_match(marks); });
}
PyObject *scanner_state_entry(PyObject *, PyObject *scanner) {
    return entry([&] { return scanner_state(scanner); });
}
PyObject *set_scanner_entry(PyObject *, PyObject *arguments) {
    return entry([&] {
        PyObject *scanner = nullptr, *next = nullptr, *must_advance = nullptr;
        if (!PyArg_ParseTuple(arguments, "OOO", &scanner, &next, &must_advance))
            throw PythonError{};
        return set_scanner(scanner, next, must_advance);
    });
}

PyMethodDef functions[] = {
    {"layout_match_marks", match_marks_entry, METH_O, "(match)"},
    {"layout_make_match", make_match_entry, METH_O, "(marks)"},
    {"layout_scanner_state", scanner_state_entry, METH_O, "(scanner)"},
    {"layout_set_scanner", set_scanner_entry, METH_VARARGS, "(scanner, next, must advance)"},
    {nullptr, nullptr, 0, nullptr},
};

} // namespace

void add_layout_matches(PyObject *module) {
    if (PyModule_AddFunctions(module, functions) < 0) throw PythonError{};
}

} // namespace elsewhere::bindings
