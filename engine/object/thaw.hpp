#pragma once

#include <string>
#include <vector>

#include "core/base/bytes.hpp"
#include "engine/frame/record.hpp"
#include "engine/snapshot/object_stream.hpp"

namespace elsewhere::object {

// What stands for a hash that cannot be asked for any more: CPython remembers the one that was.
inline Py_hash_t hash_by_address(PyObject *object) {
    return static_cast<Py_hash_t>(reinterpret_cast<std::uintptr_t>(object) >> 4);
}

// A weak reference keeps the hash that its referent had.
inline bool is_dead_reference(PyObject *object) {
    return PyWeakref_CheckRef(object) &&
           reinterpret_cast<PyWeakReference *>(object)->wr_object == Py_None;
}

// Runs an object stream: makes every object and keeps it by id until destroyed. Executes what the
// stream says. Needs the GIL; the cyclic collector is off meanwhile. Iterative.
class Thaw {
  public:
    // `fresh_main`: the target's __main__ holds nothing of its own and becomes the program's.
    Thaw(Span stream, bool fresh_main);
    ~Thaw();
    Thaw(const Thaw &) = delete;
    Thaw &operator=(const Thaw &) = delete;

    void run();
    // The stream of one object ends with its reference.
    Ref run_for_object();
    // Half of a program is there: it is never let go of, so that none of its finalizers runs.
    void forsake() { forsaken_ = true; }
    // The object of a reference (new reference); null for id 0.
    Ref object(snapshot::Reference reference) { return Ref::steal(take(reference)); }
    frame::FrameRecord read_frame(Reader &in);

  private:
#define ELSEWHERE_OP(name, number, made, operands) void on_##name();
#include "engine/snapshot/object_ops.def"
#undef ELSEWHERE_OP

    // ---- reading operands
    PyObject *take(snapshot::Reference reference); // new reference or null
    PyObject *take() { return take(in_.varint()); }
    Ref get() { return Ref::steal(take()); } // may be null
    Ref need();                              // not null
    PyObject *known();                       // borrowed: an object made before
    PyTypeObject *known_type();
    std::string words() { return std::string(in_.text()); }
    Ref unicode();
    Ref tuple(); // a count and references
    void pairs_into(PyObject *dict);
    void attributes_into(PyObject *object);
    void slots_into(PyObject *object);
    void add(Ref object);
    [[noreturn]] void damaged(const char *what) const;

    Reader in_;
    std::vector<PyObject *> objects_; // by id
    Ref no_arguments_;
    bool fresh_main_;
    bool gc_was_enabled_;
    bool forsaken_ = false;
};

} // namespace elsewhere::object
