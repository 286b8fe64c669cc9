// _elsewhere.freeze and _elsewhere.thaw: one object graph as bytes, and back.
#include "engine/object/image.hpp"
#include "python/bindings/entry.hpp"

namespace elsewhere::bindings {

namespace {} // namespace

Ref rows_of(const std::vector<object::Problem> &problems) {
    Ref rows = Ref::checked(PyList_New(0));
    for (const object::Problem &each : problems) {
        Ref row = Ref::checked(
            Py_BuildValue("sss", each.path.c_str(), each.reason.c_str(), each.hint.c_str()));
        if (PyList_Append(rows.get(), row.get()) < 0) throw PythonError{};
    }
    return rows;
}

namespace {

PyObject *freeze(PyObject *, PyObject *object) {
    return entry([&] {
        const Bytes bytes = object::freeze_object(object);
        return Ref::checked(PyBytes_FromStringAndSize(reinterpret_cast<const char *>(bytes.data()),
                                                      static_cast<Py_ssize_t>(bytes.size())));
    });
}

PyObject *thaw(PyObject *, PyObject *arguments) {
    return entry([&] {
        Py_buffer view;
        int same_process = 0;
        if (PyArg_ParseTuple(arguments, "y*|p", &view, &same_process) == 0) throw PythonError{};
        try {
            const Span bytes(static_cast<const std::uint8_t *>(view.buf),
                             static_cast<std::size_t>(view.len));
            Ref thawed = object::thaw_object(bytes, same_process != 0);
            PyBuffer_Release(&view);
            return thawed;
        } catch (...) {
            PyBuffer_Release(&view);
            throw;
        }
    });
}

PyObject *library_folders(PyObject *, PyObject *) {
    return entry([] {
        Ref list = Ref::checked(PyList_New(0));
        for (const std::string &folder : object::library_folders()) {
            Ref one = Ref::checked(PyUnicode_DecodeFSDefault(folder.c_str()));
            if (PyList_Append(list.get(), one.get()) < 0) throw PythonError{};
        }
        return Ref::checked(PyList_AsTuple(list.get()));
    });
}

PyObject *made_by_extension(PyObject *, PyObject *module) {
    return entry([&] {
        return Ref::checked(PyBool_FromLong(PyModule_Check(module) && // no class of sys.modules
                                            object::made_by_extension(module)));
    });
}

PyObject *explain(PyObject *, PyObject *object) {
    return entry([&] { return rows_of(object::problems_of(object)); });
}

PyMethodDef methods[] = {
    {"explain", explain, METH_O, "A list of (path, reason, hint): what cannot be kept."},
    {"library_folders", library_folders, METH_NOARGS,
     "library_folders()\n--\n\nWhere modules are that are kept by name, beside site-packages."},
    {"made_by_extension", made_by_extension, METH_O,
     "made_by_extension(module)\n--\n\nHas an extension made it, beside itself, for its types?"},
    {"freeze", freeze, METH_O, "Return the object, and everything that it reaches, as bytes."},
    {"thaw", thaw, METH_VARARGS,
     "thaw(bytes, same_process=False)\n--\n\nReturn the object that freeze made these bytes of. "
     "Runs what the bytes say: trust them."},
    {nullptr, nullptr, 0, nullptr},
};

} // namespace

void add_objects(PyObject *module) {
    if (PyModule_AddFunctions(module, methods) < 0) throw PythonError{};
}

} // namespace elsewhere::bindings
