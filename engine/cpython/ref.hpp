#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstring>
#include <utility>

#include "core/base/huge_pages.hpp"

#if PY_VERSION_HEX < 0x030A0000   // as the next version has them
extern "C" int PyGC_Enable(void); // collector_py309.c
extern "C" int PyGC_Disable(void);
inline PyObject *Py_NewRef(PyObject *object) {
    Py_INCREF(object);
    return object;
}
inline PyObject *Py_XNewRef(PyObject *object) {
    Py_XINCREF(object);
    return object;
}
inline int PyModule_AddObjectRef(PyObject *module, const char *name, PyObject *value) {
    Py_XINCREF(value);
    if (PyModule_AddObject(module, name, value) == 0) return 0;
    Py_XDECREF(value);
    return -1;
}
#endif

namespace elsewhere {

// A Python exception is set in the current thread; whoever meets Python's calling convention
// (entry() of the bindings) returns NULL and lets it travel on.
struct PythonError {};

// Owns one reference. Made only by `steal` (takes the caller's reference) or `share` (adds one).
// Needs the GIL wherever it is copied, dropped or made.
class Ref {
  public:
    Ref() = default;
    [[nodiscard]] static Ref steal(PyObject *object) noexcept { return Ref(object); }
    [[nodiscard]] static Ref share(PyObject *object) noexcept {
        Py_XINCREF(object);
        return Ref(object);
    }
    // A new reference that must not be NULL: NULL means that a Python exception is set.
    [[nodiscard]] static Ref checked(PyObject *object) {
        if (object == nullptr) throw PythonError{};
        return Ref(object);
    }
    Ref(Ref &&other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    Ref &operator=(Ref &&other) noexcept {
        // Read, then change, then drop: the drop may run any code.
        PyObject *old = std::exchange(object_, std::exchange(other.object_, nullptr));
        Py_XDECREF(old);
        return *this;
    }
    Ref(const Ref &) = delete;
    Ref &operator=(const Ref &) = delete;
    ~Ref() { Py_XDECREF(object_); }

    [[nodiscard]] PyObject *get() const noexcept { return object_; }
    [[nodiscard]] PyObject *release() noexcept { return std::exchange(object_, nullptr); }
    [[nodiscard]] Ref copy() const noexcept { return share(object_); }
    explicit operator bool() const noexcept { return object_ != nullptr; }

  private:
    explicit Ref(PyObject *object) noexcept : object_(object) {}
    PyObject *object_ = nullptr;
};

// A new bytes object with a copy of `data`; empty: a Python exception is set.
inline Ref new_bytes(const void *data, std::size_t size) {
    Ref bytes = Ref::steal(PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(size)));
    if (!bytes || size == 0) return bytes;
    expect_fill(PyBytes_AS_STRING(bytes.get()), size);
    std::memcpy(PyBytes_AS_STRING(bytes.get()), data, size);
    return bytes;
}

} // namespace elsewhere
