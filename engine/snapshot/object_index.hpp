#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/bytes.hpp"
#include "engine/snapshot/operands.hpp"

namespace elsewhere::snapshot {

// Finds objects in an object stream without running it: what made each one, where its contents
// are. Keeps a reference to the bytes. Safe on hostile input: throws Error{damaged}, follows
// references only as deep as it is asked to, and needs memory in proportion to the stream.
class ObjectIndex {
  public:
    explicit ObjectIndex(const Bytes &stream);

    struct Object {
        Op made = Op::end;        // the operation that made it
        bool dict_of = false;     // the second object of `module`: its dict
        Op filled = Op::end;      // the operation that completed it; end: none
        std::size_t operands = 0; // where those of `made` are in the stream
        std::size_t contents = 0; // where those of `filled` are, behind the reference to it
    };
    // The object of a reference; nothing for small ints and the fixed ids.
    [[nodiscard]] const Object *find(Reference reference) const;
    [[nodiscard]] Reader at(std::size_t offset) const;

    // ---- what is asked of many: an empty answer where the object is not of that kind
    [[nodiscard]] std::optional<std::string> text(Reference reference) const;
    [[nodiscard]] std::vector<Reference> items(Reference reference) const; // of tuple and list
    // Of a dict; of an instance its attributes.
    [[nodiscard]] std::vector<std::pair<Reference, Reference>> pairs(Reference reference) const;

    struct Tally {
        std::uint64_t count = 0;
        std::uint64_t bytes = 0;
    };
    // By the number of the operation.
    [[nodiscard]] const std::array<Tally, 256> &tallies() const noexcept { return tallies_; }
    [[nodiscard]] std::size_t size() const noexcept { return objects_.size(); }

  private:
    const Bytes &stream_;
    std::vector<Object> objects_; // by id, from id_first
    // Of dicts that are filled in several goes, as those of modules are: the later ones.
    std::map<std::uint64_t, std::vector<std::size_t>> more_;
    std::array<Tally, 256> tallies_ = {};
};

} // namespace elsewhere::snapshot
