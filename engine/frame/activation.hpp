#pragma once

#include <array>
#include <vector>

#include "engine/frame/record.hpp"
#include "engine/frame/trampoline.hpp"

// A builtin that calls Python again and again keeps what it knows in C locals, out of anybody's
// reach. Those that programs use most are done again here with that knowledge in an Activation: the
// capture reads it, and after a resume the builtin is called again and goes on from it.
namespace elsewhere::frame {

// What an activation is calling at the moment. Calling it once more must be harmless.
enum class Step : std::uint8_t {
    none,    // nothing that may be called again
    next,    // the next item of `subject`
    iterate, // the iterator of `subject`
    truth,   // the truth of `subject`
    call,    // `subject` with `arguments`
    compare, // `subject` with arguments[0], by `subject`'s method for the comparison `which`
    add,     // `subject` to arguments[0]
    body,    // the body of the class statement whose function is `subject`
};

class Activation {
  public:
    // `identity` is what a CALL of the builtin shows: its PyMethodDef, or its type. `iterator` is
    // the iterator whose next item is being made, where that is what the builtin does.
    Activation(const char *name, const void *identity, PyObject *iterator = nullptr);
    ~Activation();
    Activation(const Activation &) = delete;
    Activation &operator=(const Activation &) = delete;

    // ---- what it knows: all that is needed to go on ----
    std::array<Ref, 8> slots;
    std::int64_t number = 0;
    double real = 0; // of a sum of floats: the total, and what its rounding has lost
    double rest = 0;
    int phase = 0; // 0: it begins; something else: it goes on
    // The next item of slots[from]; null at its end or with an exception set.
    Ref next(std::size_t from);
    // slots[into] becomes the iterator of `iterable`. False with an exception set.
    bool iterate(std::size_t into, PyObject *iterable);
    int truth(PyObject *of);
    Ref call(PyObject *callable, PyObject *const *arguments, Py_ssize_t count);
    // As PyObject_RichCompareBool, method by method: what has said NotImplemented is not asked
    // again after a resume.
    int compare(PyObject *left, PyObject *right, int which);
    Ref rich(PyObject *left, PyObject *right, int which); // as PyObject_RichCompare
    // The comparison by one of these methods: new, or NotImplemented, or null.
    Ref compare_by(PyObject *of, PyObject *with, int which);
    Ref add(PyObject *left, PyObject *right);

    // For what is not one of the above: what is being called until `this` says otherwise.
    void begin(Step step, PyObject *subject, PyObject *const *arguments = nullptr, int count = 0,
               int which = 0);
    void end() { step_ = Step::none; }

    // Where no CALL shows what it is: these are the instruction's operands. Borrowed.
    void works_on(PyObject *first, PyObject *second) {
        first_ = first;
        second_ = second;
    }

  private:
    friend class Activations;
    const char *name_;
    const void *identity_;
    PyObject *iterator_;
    PyObject *first_ = nullptr;
    PyObject *second_ = nullptr;
    ElwFrame *caller_;
    Activation *outer_;
    Step step_ = Step::none;
    enum Asked : std::uint8_t { subclass = 0, left_one = 1, right_one = 2 };
    Asked asked_ = subclass;      // of a comparison: whose method is being called
    PyObject *subject_ = nullptr; // borrowed from whoever is executing the step
    PyObject *const *arguments_ = nullptr;
    int count_ = 0;
    int which_ = 0;
};

// The activations between a frame and the frame that runs inside it, outermost first.
class Activations {
  public:
    explicit Activations(ElwFrame *caller);
    [[nodiscard]] bool empty() const { return found_.empty(); }
    // The first of them, in the place of a frame.
    [[nodiscard]] Inner first() const { return as_inner(*found_.front()); }
    // Do they lead to `inner`, each calling the next one?
    [[nodiscard]] Verdict lead_to(const Inner &inner) const;
    [[nodiscard]] std::vector<SavedCall> save() const;

  private:
    static Inner as_inner(const Activation &activation);
    static Verdict leads_to(const Activation &activation, const Inner &inner);
    std::vector<Activation *> found_;
};

// `frame` is about to execute its instruction again, which is in these units: the builtins that it
// enters go on from `calls`.
void resume_calls(ElwFrame *frame, int begin, int end, std::vector<SavedCall> &&calls);
// Is the builtin that is entered one of those? Then it was ours, whatever its arguments have
// become.
bool call_is_resumed();
// Have all of them been entered?
bool calls_resumed();

// Puts the builtins of ours in the places of CPython's. Throws PythonError.
void install_resumable_builtins();
void install_resumable_iterators();
void install_resumable_itertools();
void install_class_statement();
void install_resumable_membership();
// The same for modules that not every program imports: those that are there by now.
void install_resumable_heaps();
void install_resumable_bisection();

} // namespace elsewhere::frame
