#include "engine/object/walk.hpp"

#include <algorithm>
#include <array>

#include "engine/cpython/imported_module.hpp"
#include "engine/frame/told_addresses.hpp"
#include "engine/object/families.hpp"
#include "engine/object/sources.hpp"

namespace elsewhere::object {

using namespace snapshot;

namespace {

// One that the interpreter has itself, so that whoever needs it has the same: -5 to 256, or to
// 1024.
bool is_cached_int(PyObject *object, long long value) {
    return value >= -5 && value <= 1024 && Ref::checked(PyLong_FromLongLong(value)).get() == object;
}

bool has_weak_references(PyObject *object) {
    const Py_ssize_t offset = Py_TYPE(object)->tp_weaklistoffset;
    return offset != 0 &&
           *reinterpret_cast<PyObject **>(reinterpret_cast<char *>(object) + offset) != nullptr;
}

} // namespace

PyObject *Walk::null_child() {
    static char place;
    return reinterpret_cast<PyObject *>(&place);
}

Walk::Walk(const frame::StackRecord *stack)
    : stack_(stack), forward_{0, the_end}, gc_was_enabled_(PyGC_Disable() != 0) {
    out_.varint(object_stream_version);
    sources_ = Ref::checked(PySet_New(nullptr));
}

Walk::~Walk() {
    if (gc_was_enabled_) PyGC_Enable();
}

void Walk::make(Visit &visit, Op o) {
    op(o);
    visit.id = next_id_++;
    if (visit.serial != 0) memo_.find(visit.object.get())->id = visit.id;
}

std::uint32_t Walk::make(PyObject *object, Op o, std::uint32_t mark) {
    op(o);
    const std::uint32_t id = next_id_++;
    // With one reference there is nobody else to ask for it, but by its address.
    if (Py_REFCNT(object) > 1 || mark != 0 || frame::is_told(object)) memo_.add(object, id, mark);
    return id;
}

void Walk::refs(std::span<const Reference> references) {
    out_.varint(references.size());
    // Long lists are most of a big snapshot: whole blocks, not byte by byte.
    std::array<std::uint8_t, 4096> block;
    std::size_t used = 0;
    for (Reference r : references) {
        for (; r >= 0x80; r >>= 7) block[used++] = static_cast<std::uint8_t>(r | 0x80);
        block[used++] = static_cast<std::uint8_t>(r);
        if (used + 10 <= block.size()) continue;
        out_.raw(block.data(), used);
        used = 0;
    }
    out_.raw(block.data(), used);
}

void Walk::pairs(std::span<const Reference> references) {
    out_.varint(references.size() / 2);
    for (Reference r : references) out_.varint(r);
}

std::span<const Reference> Walk::so_far(const Visit &visit) {
    if (visit.unresolved)
        throw refusal("it is made from something that contains it",
                      "break the cycle between the object and what its constructor is given");
    return {references_.data() + visit.base, references_.size() - visit.base};
}

std::string Walk::path() const {
    std::string text = root_label_;
    for (const Visit &visit : visits_) {
        const bool last = &visit == &visits_.back();
        if (visit.aside) { // it has nothing to do with what waits for it
            const char *name = PyModule_GetName(visit.object.get());
            text = name == nullptr ? "<module>" : name;
            PyErr_Clear(); // a module without a name is legal
        }
        if (last && !considering_) break;
        if (visit.family->label != nullptr)
            text += visit.family->label(visit);
        else if (visit.parts && visit.at > 0)
            text += (*visit.parts)[static_cast<std::size_t>(visit.at) - 1].label;
    }
    return text;
}

Error Walk::refusal(const std::string &what, const std::string &hint) const {
    refused_path_ = path();
    return Error(ErrorKind::refused, refused_path_ + ": " + what, hint);
}

void Walk::refuse_python_error(const char *doing, const std::string &hint) {
    Ref reason = take_exception();
    Ref errors = Ref::checked(imported_module("elsewhere.errors"));
    Ref refused = Ref::checked(PyObject_GetAttrString(errors.get(), "Refused"));
    if (!PyObject_TypeCheck(reason.get(), reinterpret_cast<PyTypeObject *>(refused.get()))) {
        const std::string said = described(reason.get());
        throw RefusedFor(refusal(doing + (": " + said), hint), std::move(reason));
    }
    // A reducer's own refusal says what is the matter and what to do.
    Ref message = Ref::checked(PyObject_GetAttrString(reason.get(), "message"));
    Ref its_hint = Ref::checked(PyObject_GetAttrString(reason.get(), "hint"));
    throw RefusedFor(refusal(text(message.get()), text(its_hint.get())),
                     Ref::steal(PyException_GetCause(reason.get())));
}

bool Walk::now(PyObject *object, Reference &reference) {
    last_low_ = 0;
    if (object == null_child()) {
        reference = to_reference(id_null);
        return true;
    }
    if (PyLong_CheckExact(object)) {
        int overflow = 0;
        const long long value = PyLong_AsLongLongAndOverflow(object, &overflow);
        // Locks and thread tables hold it, and it is another one in every process.
        if (overflow == 0 && value == static_cast<long long>(PyThread_get_thread_ident())) {
            reference = to_reference(id_main_thread);
            return true;
        }
        if (overflow == 0 && is_told_address(value) && memo_.find(object) == nullptr)
            return now_address(*this, object, reference);
        // One that others refer to as well stays the same object for all of them.
        if (overflow == 0 && value <= small_int_max && value >= -small_int_max &&
            (Py_REFCNT(object) == 1 || is_cached_int(object, value))) {
            reference = small_int_reference(value);
            return true;
        }
    }
    if (object == Py_None) {
        reference = to_reference(id_none);
        return true;
    }
    if (const Memo::Entry *entry = memo_.find(object)) {
        last_low_ = settle(entry->mark);
        reference = to_reference(entry->id);
        return entry->id != 0;
    }
    return write_now(*this, object, reference);
}

bool Walk::reach(PyObject *child, Reference &reference) {
    considering_ = true;
    if (std::exchange(force_, false)) {
        descend(child);
        return false;
    }
    if (now(child, reference)) {
        if (needs_ == 0 || !is_shell_ahead(child)) return true;
        descend(child);
        return false;
    }
    Memo::Entry *entry = memo_.find(child);
    if (entry == nullptr) {
        descend(child);
        return false;
    }
    // Met inside itself, or put off until the end.
    const std::uint32_t serial = entry->mark;
    if (forward_[serial] == serial && serial != the_end) {
        Visit &open = visits_[place_[serial]];
        if (open.family->shell != nullptr && open.id == 0) try {
                open.family->shell(*this, open);
            } catch (const Error &error) {
                // Names that are wanted ahead can do without it; it does not wait for them.
                if (error.kind() != ErrorKind::refused || !is_aside_of(place_[serial])) throw;
            }
        if (open.id != 0) {
            last_low_ = settle(serial);
            reference = to_reference(open.id);
            return true;
        }
    }
    last_low_ = the_end;
    reference = unresolved(child);
    return true;
}

void Walk::push(Visit visit) {
    const Family *family = visit.family;
    if (!visits_.empty() && visits_.back().key_given) visit.needs = 1;
    if (family == &reduce_family) ++visit.needs;
    needs_ += visit.needs;
    if (family == &class_family || family == &module_family || family == &module_names_family)
        namespaces_.push_back({visits_.size(), std::exchange(needs_, 0u)});
    visits_.push_back(std::move(visit));
    considering_ = false;
}

void Walk::pop(std::size_t base, unsigned needs) {
    visits_.pop_back();
    references_.resize(base);
    if (!namespaces_.empty() && namespaces_.back().place == visits_.size()) {
        needs_ = namespaces_.back().needs;
        namespaces_.pop_back();
    }
    needs_ -= needs;
}

void Walk::descend(PyObject *child) {
    if (!shells_.empty()) shells_.erase(child);
    const Family &family = family_of(*this, child);
    Visit visit;
    visit.family = &family;
    visit.base = references_.size();
    const bool shared = Py_REFCNT(child) > 1 || has_weak_references(child) || frame::is_told(child);
    visit.object = Ref::share(child);
    if (shared) {
        visit.serial = static_cast<std::uint32_t>(forward_.size());
        forward_.push_back(visit.serial);
        place_.resize(forward_.size());
        place_[visit.serial] = static_cast<std::uint32_t>(visits_.size());
        const Memo::Entry *known = memo_.find(child);
        visit.id = known == nullptr ? 0 : known->id;
        memo_.add(child, visit.id, visit.serial);
    }
    push(std::move(visit));
}

void Walk::run() {
    const std::size_t floor = visits_.size() - 1;
    while (visits_.size() > floor) {
        try {
            while (give_next()) {
            }
        } catch (const Error &error) {
            if (problems_ == nullptr || error.kind() != ErrorKind::refused) throw;
            abandon(error);
        }
    }
}

// The next thing that the visit on top refers to. False: another visit is on top now.
bool Walk::give_next() {
    if (!aside_.empty()) {
        Visit names;
        names.family = &module_names_family;
        names.base = references_.size();
        names.object = std::move(aside_.back());
        aside_.pop_back();
        names.id = memo_.find(names.object.get())->id;
        names.aside = true;
        push(std::move(names));
    }
    Visit &visit = visits_.back();
    PyObject *child = visit.family->next(*this, visit);
    if (child == nullptr) {
        complete();
        return false;
    }
    Reference reference;
    if (!reach(child, reference)) return false;
    Visit &parent = visits_.back();
    references_.push_back(reference);
    if (last_low_ != 0) {
        if (parent.low == 0 || last_low_ < parent.low) parent.low = last_low_;
        if (parent.key_given && (parent.hash_low == 0 || last_low_ < parent.hash_low))
            parent.hash_low = last_low_;
        if ((reference & unresolved_bit) != 0) parent.unresolved = true;
    }
    considering_ = false;
    return true;
}

// What was being considered or visited cannot be kept: None stands for it from here on.
void Walk::abandon(const Error &error) {
    const std::string message = error.message();
    const std::string prefix = refused_path_ + ": ";
    const bool led_here = !refused_path_.empty() && message.rfind(prefix, 0) == 0;
    problems_->push_back({led_here ? refused_path_ : std::string(),
                          led_here ? message.substr(prefix.size()) : message, error.hint()});
    if (std::exchange(considering_, false)) {
        references_.push_back(to_reference(id_none));
        return;
    }
    const Visit visit = std::move(visits_.back());
    pop(visit.base, visit.needs);
    if (visit.aside) return;
    if (visit.serial != 0) {
        memo_.add(visit.object.get(), id_none, 0);
        forward_[visit.serial] = 0;
    }
    if (!visits_.empty()) references_.push_back(to_reference(id_none));
}

// The visit on top has all its references: write it, or put it off, and tell its parent.
void Walk::complete() {
    Visit visit = std::move(visits_.back());
    if (visit.aside) return pop(visit.base, visit.needs);
    const std::span<const Reference> references(references_.data() + visit.base,
                                                references_.size() - visit.base);
    const std::uint32_t serial = visit.serial;
    std::uint32_t low = visit.low != 0 && (serial == 0 || visit.low < serial) ? visit.low : 0;
    // A key that refers to this very table is whole but for it.
    const std::uint32_t keys_wait_for = visit.hash_low == serial ? 0 : visit.hash_low;
    const std::size_t base = visit.base;
    const unsigned needs = visit.needs;
    // Its class's own __setstate__, append and the like get what is whole.
    const bool holds_unfinished = visit.family == &reduce_family && visit.holds_unfinished();
    const bool state_waits = holds_unfinished || is_filled_by_program(visit);
    if (holds_unfinished) visit.hash_low = the_end;
    Reference reference;
    if (!visit.unresolved && !state_waits &&
        (keys_wait_for == 0 || visit.family->shell == nullptr)) {
        visit.family->finish(*this, visit, references);
        reference = to_reference(visit.id);
    } else {
        const bool until_the_end = visit.unresolved || state_waits || keys_wait_for == the_end;
        if (until_the_end) {
            low = the_end;
            if (serial == 0) {
                visit.serial = the_end;
                memo_.add(visit.object.get(), visit.id, the_end);
            }
        }
        const bool makeable = std::none_of(references.begin(), references.begin() + visit.split,
                                           [](Reference r) { return is_unresolved(r); });
        if (visit.family->shell != nullptr && visit.id == 0 && makeable)
            visit.family->shell(*this, visit);
        if (visit.unresolved) give_so_far(visit, references);
        reference = visit.id != 0 ? to_reference(visit.id) : unresolved(visit.object.get());
        if (visit.family == &reduce_family) visit.parts.reset(); // there may be many
        auto &waiting = until_the_end ? put_off_ : deferred_[keys_wait_for];
        waiting.push_back({std::move(visit), {references.begin(), references.end()}});
    }
    pop(base, needs);
    if (serial != 0) close(serial, low);
    if (visits_.empty()) return;
    references_.push_back(reference);
    Visit &parent = visits_.back();
    if (low != 0) {
        if (parent.low == 0 || low < parent.low) parent.low = low;
        if (parent.key_given && (parent.hash_low == 0 || low < parent.hash_low))
            parent.hash_low = low;
    }
    if ((reference & unresolved_bit) != 0) parent.unresolved = true;
}

// What code of the program may need that makes what it has to wait for.
void Walk::give_so_far(Visit &visit, std::span<const Reference> references) {
    if (visit.family == &class_family)
        give_class_so_far(*this, visit, references, to_reference(id_null));
    else if (visit.family == &plain_instance_family)
        give_instance_so_far(*this, visit, references);
    else if (visit.family == &function_family)
        give_function_so_far(*this, visit, references);
    else if (visit.family == &dict_family && visit.hash_low == 0)
        give_dict_so_far(*this, visit, references);
}

void Walk::put_off(Visit visit, std::span<const Reference> references) {
    put_off_.push_back({std::move(visit), {references.begin(), references.end()}});
}

std::uint32_t Walk::settle(std::uint32_t mark) {
    while (mark != 0 && forward_[mark] != mark) mark = forward_[mark];
    return mark;
}

void Walk::close(std::uint32_t serial, std::uint32_t low) {
    forward_[serial] = low;
    const auto found = deferred_.find(serial);
    if (found == deferred_.end()) return;
    std::vector<Waiting> waiting = std::move(found->second);
    deferred_.erase(found);
    if (const std::uint32_t on = settle(low); on != 0) {
        auto &there = on == the_end ? put_off_ : deferred_[on];
        std::move(waiting.begin(), waiting.end(), std::back_inserter(there));
        return;
    }
    for (Waiting &each : waiting) each.visit.family->finish(*this, each.visit, each.references);
}

Reference Walk::unresolved(PyObject *object) {
    if (memo_.find(object) == nullptr) memo_.add(object, 0, the_end);
    unresolved_.push_back(object);
    return unresolved_bit | (unresolved_.size() - 1);
}

void Walk::root(PyObject *object, std::string label) {
    root_label_ = std::move(label);
    Reference reference;
    begin(object, reference);
    while (!queue_.empty()) {
        auto [next, text] = std::move(queue_.front());
        queue_.erase(queue_.begin());
        root_label_ = std::move(text);
        force_ = true;
        begin(next.get(), reference);
    }
}

void Walk::begin(PyObject *object, Reference &reference) {
    try {
        if (!reach(object, reference)) run();
    } catch (const Error &error) {
        // run() has dealt with what it met: this is the object itself.
        if (problems_ == nullptr || error.kind() != ErrorKind::refused) throw;
        abandon(error);
        references_.clear();
    }
    considering_ = false;
}

Reference Walk::shell_of_open(PyObject *object) {
    const std::uint32_t serial = memo_.find(object)->mark;
    Visit &open = visits_[place_[serial]];
    if (open.id == 0) open.family->shell(*this, open);
    return to_reference(open.id);
}

void Walk::later(PyObject *object, std::string label) {
    queue_.emplace_back(Ref::share(object), std::move(label));
}

Reference Walk::reference(PyObject *object) {
    Reference reference;
    if (object == nullptr) return to_reference(id_null);
    if (now(object, reference)) return reference;
    throw refusal("it was not reached by the walk");
}

void Walk::bytes(PyObject *object) {
    const std::string_view data(PyBytes_AS_STRING(object),
                                static_cast<std::size_t>(PyBytes_GET_SIZE(object)));
    if (data.size() < (std::size_t{1} << 20)) {
        out_.text(data);
        return;
    }
    out_.varint(data.size());
    outside_.push_back({out_.size(), Ref::share(object)});
}

// The text of a by-value code's file goes along, for tracebacks where the file is gone.
void Walk::source_of(PyObject *code) {
    PyObject *name = reinterpret_cast<PyCodeObject *>(code)->co_filename;
    const int known = PySet_Contains(sources_.get(), name);
    if (known != 0) {
        if (known < 0) throw PythonError{};
        return;
    }
    if (PySet_Add(sources_.get(), name) < 0) throw PythonError{};
    const std::string source = read_source(name);
    if (source.empty()) return;
    op(Op::source);
    out_.text(text(name));
    out_.text(source);
}

} // namespace elsewhere::object
