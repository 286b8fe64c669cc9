#pragma once

#include <memory>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "core/base/bytes.hpp"
#include "engine/frame/record.hpp"
#include "engine/object/selection.hpp"
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
    // Without a selection it is a whole program, and this process has nothing of its own yet: the
    // program's __main__ and other modules become those of the process.
    explicit Thaw(Span stream, std::unique_ptr<Selection> selection = nullptr);
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

    // Does it make (from `id` on) or fill what nobody needs, or what is here already?
    bool is_passed_over(snapshot::Op op, std::uint64_t id);

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
    void items_into(PyObject *list);
    void pairs_into(PyObject *dict);
    void attributes_into(PyObject *object);
    void slots_into(PyObject *object);
    void fill(PyObject *collection, bool pairs); // by its own append or __setitem__
    void add(Ref object);
    [[noreturn]] void damaged(const char *what) const;

    // ---- what the program itself is asked on the way, and what it changes then
    [[nodiscard]] bool is_own_type(PyTypeObject *type) const;
    void note_call(PyObject *callable, PyObject *first);
    void note_change(PyObject *object, const char *method);
    void look_again();
    [[nodiscard]] bool is_still(PyObject *object, snapshot::Reference reference) const;
    void list_again(PyObject *list);
    void dict_again(PyObject *dict);
    void set_again();
    void cell_again();
    void names_again();
    void class_again();
    void attributes_again(PyObject *object);
    void collection_again(PyObject *collection, std::span<const Reader> filled_by);

    Reader in_;
    Reader start_;                       // behind the version
    std::vector<PyObject *> objects_;    // by id
    std::unordered_set<PyObject *> own_; // of the program: classes, and globals of functions
    bool asked_program_ = false;
    Ref no_arguments_;
    std::unique_ptr<Selection> selection_;
    bool gc_was_enabled_;
    bool forsaken_ = false;
};

} // namespace elsewhere::object
