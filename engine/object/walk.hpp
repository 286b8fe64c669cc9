#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/base/bytes.hpp"
#include "engine/frame/record.hpp"
#include "engine/object/image.hpp"
#include "engine/object/memo.hpp"
#include "engine/object/names.hpp"
#include "engine/object/stream.hpp"
#include "engine/object/types.hpp"
#include "engine/snapshot/object_stream.hpp"

namespace elsewhere::object {

using snapshot::Op;
using snapshot::Reference;

class Walk;
struct Visit;

// How one kind of object is walked. `next` gives the next object that this one refers to (borrowed;
// `null_child()` for an empty place) or nullptr when there are no more; `finish` writes the object
// once all of them have a reference. A kind that can be made empty and completed later has a
// `shell`: it is used when the object is met again inside itself.
struct Family {
    PyObject *(*next)(Walk &, Visit &);
    void (*finish)(Walk &, Visit &, std::span<const Reference>);
    void (*shell)(Walk &, Visit &) = nullptr;
    std::string (*label)(const Visit &) = nullptr; // of the child given last, e.g. "[3]"
};

// One thing that an object refers to, kept alive while it is visited.
struct Part {
    Ref value;
    std::string label;
};

// The serial of the visit that is open until the end of the walk.
constexpr std::uint32_t the_end = 1;

// An object being walked.
struct Visit {
    // Are there parts, or parts of them, that are written at the end of the walk?
    [[nodiscard]] bool holds_unfinished() const { return low == the_end; }

    const Family *family = nullptr;
    Ref object;
    std::uint32_t serial = 0;    // of this visit; 0 when nobody else can refer to the object
    std::uint32_t low = 0;       // outermost unfinished visit that its parts refer to; 0: none
    std::uint32_t hash_low = 0;  // the same for the keys whose hash needs them whole
    std::uint32_t id = 0;        // once something has been written for it
    bool unresolved = false;     // a part has no reference before the end of the walk
    bool key_given = false;      // the child given last is a key with a hash of its own
    std::uint32_t split = 0;     // parts needed to make the object (families that make it midway)
    std::size_t given = 0;       // parts of a class that were given before the whole
    unsigned needs = 0;          // how often its parts are needed whole: to be made, as a key
    bool shells_given = false;   // of a class: its lists, dicts and sets
    bool aside = false;          // for nobody who waits for it: the names of a module
    std::size_t base = 0;        // where its references start in the walk's stack of them
    Py_ssize_t at = 0;           // how far `next` is
    Py_ssize_t count = 0;        // entries of the dict when it was begun
    PyObject *pending = nullptr; // borrowed: the key of the child given last
    PyObject *value = nullptr;   // borrowed: its value, to be given next
    PyObject *shown = nullptr; // borrowed: the part being visited that a namespace has got already
    unsigned flags = 0;
    Ref extra; // kept alive meanwhile (the dict of an instance)
    std::unique_ptr<std::vector<Part>> parts;
    std::unique_ptr<frame::GeneratorRecord> record; // of a generator or frame
};

// A refusal whose reason is an exception: `cause` holds it. Caught and dropped with the GIL held.
class RefusedFor : public Error {
  public:
    RefusedFor(Error refusal, Ref reason) : Error(std::move(refusal)), cause(std::move(reason)) {}
    Ref cause;
};

// One depth-first walk of an object graph, writing the object stream. Lives for one freeze; needs
// the GIL. Iterative: depth costs heap, not C stack. Order: what an object is made of precedes it;
// in a cycle a shell precedes, and its contents follow.
class Walk {
  public:
    explicit Walk(const frame::StackRecord *stack = nullptr);
    ~Walk();
    Walk(const Walk &) = delete;
    Walk &operator=(const Walk &) = delete;

    // Walks everything reachable from `object` and what was queued on the way.
    void root(PyObject *object, std::string label);
    // Writes what had to wait for the end; after it every object met has a reference. Then `last`,
    // whose reducer changes something: from there on nothing is refused.
    void finish(PyObject *last = nullptr);
    // The reference of an object that has been walked.
    Reference reference(PyObject *object);
    Stream take() { return {std::move(out_.bytes()), std::move(outside_)}; }

    // ---- for families ----
    Writer &out() { return out_; }
    Names &names() { return names_; }
    const Kind &kind(PyTypeObject *type) { return types_.of(type); }
    const frame::StackRecord *stack() const { return stack_; }
    // Starts an operation that makes an object for `visit`; its operands are up to the caller.
    void make(Visit &visit, Op op);
    // Starts an operation for an object that is written at once, outside of any visit.
    std::uint32_t make(PyObject *object, Op op, std::uint32_t mark = 0);
    std::uint32_t reserve() { return next_id_++; }
    void op(Op op) { out_.u8(static_cast<std::uint8_t>(op)); }
    // Size and contents of a bytes object; those of a large one are not copied.
    void bytes(PyObject *object);
    void refs(std::span<const Reference> references);
    void pairs(std::span<const Reference> references);
    void ref(const Visit &visit) { out_.varint(snapshot::to_reference(visit.id)); }
    // References of the parts given so far; throws if one is still being made (a cycle through
    // what the object is constructed from).
    std::span<const Reference> so_far(const Visit &visit);
    // Code of the program is about to run that may use classes and modules that are being visited:
    // gives them what they have so far.
    void give_open_namespaces();
    // The names of a module kept by value are wanted before anything else is made.
    void aside(PyObject *module) { aside_.push_back(Ref::share(module)); }
    // What these visits leave for later: names and values.
    std::vector<Part> &left(PyObject *module) { return left_[module]; }
    // A class that is being visited, whose methods and bases are not all there yet?
    [[nodiscard]] bool is_unprepared(PyObject *type) const;
    // A dict that is no module's, and functions' globals all the same; and is one being visited?
    void note_globals(PyObject *dict) { globals_.insert(dict); }
    [[nodiscard]] bool is_in_globals();
    // Writes the shell of a list, dict or set that a namespace has, unless it is met already. It is
    // visited in its turn, or for what is made of it.
    void shell_ahead(PyObject *container);
    [[nodiscard]] bool is_shell_ahead(PyObject *object) const {
        return !shells_.empty() && shells_.count(object) != 0;
    }
    // The visit on top, of what is made by a call, has got what that needs.
    void made() {
        --visits_.back().needs;
        --needs_;
    }
    // The last `n` references of the visit on top.
    std::span<const Reference> last(std::size_t n) const {
        return {references_.data() + references_.size() - n, n};
    }
    static bool is_unresolved(Reference r) { return (r & unresolved_bit) != 0; }
    // Is it, or something that it leads to, written at the end of the walk?
    [[nodiscard]] bool is_unfinished(PyObject *object) {
        const Memo::Entry *entry = memo_.find(object);
        return entry != nullptr && settle(entry->mark) == the_end;
    }
    // The reference of an object that is being visited; it must have a shell.
    Reference shell_of_open(PyObject *object);
    // The reference of a leaf or of something known by name, written now. False if it needs a
    // visit.
    bool now(PyObject *object, Reference &reference);
    // Visit it after the current root: for edges that need not be complete (a function's globals).
    void later(PyObject *object, std::string label);
    // Finish it at the end of the walk, in order.
    void put_off(Visit visit, std::span<const Reference> references);
    // The next child is to be visited although it has an id already (a class made as a shell).
    void force() { force_ = true; }
    [[nodiscard]] Error refusal(const std::string &what, const std::string &hint = {}) const;
    [[nodiscard]] std::string path() const;
    // A Python exception of user code on the way: it becomes a refusal that names the path.
    [[noreturn]] void refuse_python_error(const char *doing, const std::string &hint = {});
    void source_of(PyObject *code);
    // Classes and dicts that have a shell and still need their contents.
    std::unordered_set<PyObject *> &unfilled() { return unfilled_; }
    Memo &memo() { return memo_; }
    // Do not stop at what cannot be kept: note it, and walk on as if it were not there. What such a
    // walk has written is of no use.
    void collect(std::vector<Problem> &problems) { problems_ = &problems; }
    // Of the program's modules keep these names (a set; borrowed) and those like __file__ alone,
    // and note which names code has.
    void keep_only(PyObject *names) { kept_names_ = names; }
    [[nodiscard]] bool keeps_name(PyObject *name) const;
    void note_names(PyObject *code);
    [[nodiscard]] PyObject *noted_names() const { return noted_names_.get(); }
    static PyObject *null_child();

  private:
    // Set in a reference that only gets its value at the end; the rest is an index.
    static constexpr Reference unresolved_bit = Reference{1} << 63;
    struct Waiting {
        Visit visit;
        std::vector<Reference> references;
    };
    bool reach(PyObject *child, Reference &reference);
    bool give_next();
    void begin(PyObject *object, Reference &reference);
    void abandon(const Error &error);
    void descend(PyObject *child);
    [[nodiscard]] bool is_aside_of(std::size_t place) const;
    void push(Visit visit);
    void pop(std::size_t base, unsigned needs);
    void run();
    void complete();
    void give_so_far(Visit &visit, std::span<const Reference> references);
    void close(std::uint32_t serial, std::uint32_t low);
    std::uint32_t settle(std::uint32_t mark);
    Reference unresolved(PyObject *object);
    bool resolve(std::span<Reference> references);
    enum class Patience { for_all, but_for_one, none };
    bool resolve_some(std::vector<Waiting> &waiting, Patience patience);
    void resolve_all(std::vector<Waiting> &waiting);

    Types types_; // brings modules of ours, which names_ looks into
    Names names_;
    const frame::StackRecord *stack_;
    Writer out_;
    std::vector<Stream::Outside> outside_;
    Memo memo_;
    std::vector<Visit> visits_;
    std::vector<Reference> references_;
    std::vector<std::uint32_t> forward_; // by serial: itself while open, else what it waits for
    std::map<std::uint32_t, std::vector<Waiting>> deferred_;
    std::vector<Waiting> put_off_;
    std::vector<PyObject *> unresolved_; // in the memo
    std::vector<std::pair<Ref, std::string>> queue_;
    std::vector<Ref> aside_;
    std::unordered_map<PyObject *, std::vector<Part>> left_;
    std::unordered_set<PyObject *> shells_; // of containers that are not visited yet
    struct Namespace {
        std::size_t place; // of an open visit of a class or module
        unsigned needs;    // as they were outside of it
    };
    std::vector<Namespace> namespaces_;
    std::unordered_set<PyObject *> globals_;
    unsigned needs_ = 0;               // of the visits in the innermost namespace
    std::vector<std::uint32_t> place_; // by serial: where the open visit is
    std::string root_label_;
    std::unordered_set<PyObject *> unfilled_;
    Ref sources_; // names of the files whose text has been written
    std::uint32_t next_id_ = snapshot::id_first;
    std::uint32_t last_low_ = 0;
    bool force_ = false;
    std::vector<Problem> *problems_ = nullptr;
    PyObject *kept_names_ = nullptr;
    Ref noted_names_;                  // a set
    mutable std::string refused_path_; // of the last refusal
    bool considering_ = false;         // the child given last, not yet a visit
    bool gc_was_enabled_;
};

} // namespace elsewhere::object
