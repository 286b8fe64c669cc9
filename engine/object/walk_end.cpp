// What had to wait for the end of the walk.
#include <algorithm>

#include "engine/object/families.hpp"

namespace elsewhere::object {

using namespace snapshot;

// True if there is something for each of them by now.
bool Walk::resolve(std::span<Reference> references) {
    for (Reference &reference : references) {
        if (!is_unresolved(reference)) continue;
        const Memo::Entry *entry = memo_.find(unresolved_[reference & ~unresolved_bit]);
        if (entry->id == 0) return false;
        reference = to_reference(entry->id);
    }
    return true;
}

// Goes through them once, in order. What runs code of the program waits until all before it are
// whole: a call that makes something if that is given what is not, and what follows the call.
// Gives whether anything could be done.
bool Walk::resolve_some(std::vector<Waiting> &waiting, Patience patience) {
    std::vector<Waiting> left;
    bool done = false;
    for (Waiting &each : waiting) {
        Visit &visit = each.visit;
        const std::span<Reference> references(each.references);
        const bool behind = patience != Patience::none && !left.empty();
        const bool impatient = patience == Patience::but_for_one && !done;
        if (is_unmade(visit, behind && !impatient) && resolve(references.first(visit.split))) {
            make_by_call(*this, visit, references.first(visit.split));
            done = true;
        }
        const bool early = (behind && visit.hash_low != 0) ||
                           (patience != Patience::none && waits_for_object(*this, visit));
        if (early || !resolve(references)) {
            left.push_back(std::move(each));
            continue;
        }
        visit.family->finish(*this, visit, references);
        done = true;
    }
    waiting = std::move(left);
    return done;
}

void Walk::resolve_all(std::vector<Waiting> &waiting) {
    // Tables that hash their keys, and what has a state of its own, come last.
    std::stable_partition(waiting.begin(), waiting.end(),
                          [](const Waiting &w) { return w.visit.hash_low == 0; });
    while (!waiting.empty()) {
        if (resolve_some(waiting, Patience::for_all) ||
            resolve_some(waiting, Patience::but_for_one) || resolve_some(waiting, Patience::none))
            continue;
        root_label_ = type_name(waiting.front().visit.object.get());
        throw refusal("a cycle of objects none of which can be made before the others");
    }
}

void Walk::finish(PyObject *last) {
    forward_[the_end] = 0;
    resolve_all(put_off_);
    std::vector<Waiting> rest;
    for (auto &[serial, waiting] : deferred_)
        std::move(waiting.begin(), waiting.end(), std::back_inserter(rest));
    deferred_.clear();
    resolve_all(rest);
    if (last != nullptr) root(last, "last");
    op(Op::end);
}

} // namespace elsewhere::object
