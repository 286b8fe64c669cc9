#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/bytes.hpp"
#include "engine/cpython/ref.hpp"
#include "engine/snapshot/object_stream.hpp"

namespace elsewhere::object {

// What one object needs of a stream, and what of that is here already: modules of the program that
// this process has imported from the same file, of the same text, with their functions and classes.
// These stay as they are, as they would with pickle; the rest is made as it was. Needs the GIL.
class Selection {
  public:
    // The stream ends with the reference of the object. `same_process`: it was written in this one.
    Selection(Span stream, bool same_process);

    [[nodiscard]] bool needs(std::uint64_t id) const {
        const std::uint64_t place = id - snapshot::id_first;
        return place >= needed_.size() || needed_[place]; // what is not there is no matter of ours
    }
    // What stands here for an object of the stream (borrowed), or null.
    [[nodiscard]] PyObject *here(std::uint64_t id) const {
        const auto found = here_.find(id);
        return found == here_.end() ? nullptr : found->second.get();
    }
    // The function that was found here by its name is another one.
    void forget(std::uint64_t id) { here_.erase(id); }

  private:
    struct Operation {
        snapshot::Op op;
        std::size_t operands; // where they are; behind the reference to what it completes
        std::size_t previous; // the one before on the same object, plus 1; 0: none
    };
    void read();
    void mark(snapshot::Reference root);
    [[nodiscard]] Reader at(std::size_t offset) const {
        return {stream_.data() + offset, stream_.size() - offset};
    }
    [[nodiscard]] const Operation *find(std::uint64_t id, snapshot::Op op) const;
    [[nodiscard]] std::string text_of(snapshot::Reference reference) const;
    // What a dict of names has under one of them; NULL if it has none.
    [[nodiscard]] snapshot::Reference value_in(Reader pairs, const char *name) const;
    // The module of that name that this process has, if it is the one of the stream.
    Ref module_here(const std::string &name);
    [[nodiscard]] Ref find_module(const std::string &name) const;
    Ref look_here(std::uint64_t id);
    Ref class_here(std::uint64_t id);
    Ref function_here(std::uint64_t id);
    Ref member_here(std::uint64_t id);

    Span stream_;
    bool same_process_;
    snapshot::Reference root_ = 0;
    std::vector<Operation> operations_;
    std::vector<std::size_t> last_; // by id - id_first: the last operation on it, plus 1
    std::unordered_map<std::string, std::uint64_t> modules_;   // by name: its id
    std::unordered_map<std::string, std::string> sources_;     // by file
    std::unordered_map<std::uint64_t, std::uint64_t> partner_; // a module's dict and back
    std::unordered_map<std::string, Ref> found_; // modules that have been looked for, or null
    std::vector<bool> needed_;
    std::unordered_map<std::uint64_t, Ref> here_;
};

} // namespace elsewhere::object
