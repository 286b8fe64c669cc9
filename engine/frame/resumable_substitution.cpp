// re.sub with a function: the replacements that it has made are kept. After a resume CPython's own
// searches the text again, and is given these before the function is called once more.
#include "engine/cpython/imported_module.hpp"
#include "engine/frame/consuming.hpp"
#include "engine/frame/iterator_fields.hpp"
#include "engine/frame/method_tables.hpp"

namespace elsewhere::frame {

namespace {

// Of METH_METHOD | METH_FASTCALL | METH_KEYWORDS.
using Method = PyObject *(*)(PyObject *, PyTypeObject *, PyObject *const *, Py_ssize_t, PyObject *);

struct Substitution {
    enum { function = 0, made = 1 };
    Activation &a;
    Py_ssize_t told = 0;

    PyObject *next(PyObject *match) {
        PyObject *all = a.slots[made].get();
        if (told < PyList_GET_SIZE(all)) return Py_NewRef(PyList_GET_ITEM(all, told++));
        Ref replacement = a.call(a.slots[function].get(), &match, 1);
        if (!replacement || PyList_Append(all, replacement.get()) < 0) return nullptr;
        ++told;
        return replacement.release();
    }
    static PyObject *replace(PyObject *self, PyObject *match) {
        auto *of = static_cast<Substitution *>(PyCapsule_GetPointer(self, nullptr));
        return of != nullptr ? of->next(match) : nullptr;
    }
};
PyMethodDef replace_method = {"replace", Substitution::replace, METH_O, nullptr};

template <int which> struct Sub {
    static constexpr const char *name = which == 0 ? "sub" : "subn";
    static inline PyMethodDef *definition = nullptr;
    static inline PyCFunction original = nullptr;

    static PyObject *plain(PyObject *self, PyTypeObject *type, PyObject *const *arguments,
                           Py_ssize_t count, PyObject *names) {
        if ((definition->ml_flags & METH_METHOD) != 0)
            return original_of<Method>(original)(self, type, arguments, count, names);
        return original_of<Fast>(original)(self, arguments, count, names);
    }
    static PyObject *method(PyObject *self, PyTypeObject *type, PyObject *const *arguments,
                            Py_ssize_t count, PyObject *names) {
        if (count < 2 || count > 3 || (names != nullptr && PyTuple_GET_SIZE(names) != 0) ||
            PyCallable_Check(arguments[0]) == 0 || !may_run_python(arguments[0]) ||
            !(PyUnicode_Check(arguments[1]) || PyBytes_CheckExact(arguments[1])))
            return plain(self, type, arguments, count, names);
        Activation a(name, definition);
        if (a.phase == 0) {
            a.slots[Substitution::function] = Ref::share(arguments[0]);
            a.slots[Substitution::made] = Ref::steal(PyList_New(0));
            if (!a.slots[Substitution::made]) return nullptr;
            a.phase = 1;
        }
        Substitution substitution{a};
        const Ref state = Ref::steal(PyCapsule_New(&substitution, nullptr, nullptr));
        const Ref replace =
            Ref::steal(state ? PyCFunction_New(&replace_method, state.get()) : nullptr);
        if (!replace) return nullptr;
        PyObject *const changed[] = {replace.get(), arguments[1],
                                     count == 3 ? arguments[2] : nullptr};
        return plain(self, type, changed, count, nullptr);
    }
    static PyObject *fast(PyObject *self, PyObject *const *arguments, Py_ssize_t count,
                          PyObject *names) {
        return method(self, nullptr, arguments, count, names);
    }

    static void install(PyTypeObject *type) {
        const Ref descriptor =
            Ref::checked(PyObject_GetAttrString(reinterpret_cast<PyObject *>(type), name));
        if (!Py_IS_TYPE(descriptor.get(), &PyMethodDescr_Type)) return;
        definition = reinterpret_cast<PyMethodDescrObject *>(descriptor.get())->d_method;
        constexpr int flags = METH_FASTCALL | METH_KEYWORDS;
        original = interpose(definition, flags | METH_METHOD, erase(method));
        if (original == nullptr) original = interpose(definition, flags, erase(fast));
    }
};

} // namespace

void install_resumable_substitution() {
    // The smallest pattern there is: its type without the import of `re`.
    const Ref module = Ref::checked(imported_module("_sre"));
    const Ref pattern = Ref::steal(
        PyObject_CallMethod(module.get(), "compile", "Oi[i]i{}(O)", Py_None, 0, 1, 0, Py_None));
    if (!pattern) {
        PyErr_Clear(); // a Python that makes patterns otherwise: refused, as ever
        return;
    }
    Sub<0>::install(Py_TYPE(pattern.get()));
    Sub<1>::install(Py_TYPE(pattern.get()));
}

} // namespace elsewhere::frame
