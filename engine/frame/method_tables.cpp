#include "engine/frame/method_tables.hpp"

#include <string>

#include "core/base/error.hpp"
#include "engine/cpython/imported_module.hpp"

namespace elsewhere::frame {

PyMethodDef *definition_of(const char *module, const char *type, const char *name) {
    Ref owner = Ref::checked(imported_module(module));
    if (type != nullptr) owner = Ref::checked(PyObject_GetAttrString(owner.get(), type));
    Ref callable = Ref::checked(PyObject_GetAttrString(owner.get(), name));
    if (PyCFunction_Check(callable.get()))
        return reinterpret_cast<PyCFunctionObject *>(callable.get())->m_ml;
    if (Py_IS_TYPE(callable.get(), &PyMethodDescr_Type))
        return reinterpret_cast<PyMethodDescrObject *>(callable.get())->d_method;
    throw Error(ErrorKind::unsupported, std::string(module) + "." + name + " is no C function");
}

PyCFunction interpose(PyMethodDef *definition, int flags, PyCFunction ours) {
    if (definition->ml_flags != flags || definition->ml_meth == ours) return nullptr;
    PyCFunction original = definition->ml_meth;
    definition->ml_meth = ours;
    return original;
}

} // namespace elsewhere::frame
