#pragma once

#include <cstdint>
#include <iterator>
#include <map>

namespace elsewhere::mux {

// A set of numbers that come to be nearly all of them: runs, joined as they meet. Channels' ids
// are used once, so this grows with the channels that live and not with those that have lived.
class IdSet {
  public:
    [[nodiscard]] bool contains(std::uint32_t id) const {
        const auto after = runs_.upper_bound(id);
        return after != runs_.begin() && std::prev(after)->second >= id;
    }
    void insert(std::uint32_t id) {
        if (contains(id)) return;
        const auto after = runs_.upper_bound(id);
        std::uint32_t last = id;
        if (after != runs_.end() && after->first == id + 1) {
            last = after->second;
            runs_.erase(after);
        }
        const auto next = runs_.upper_bound(id);
        if (next != runs_.begin() && std::prev(next)->second + 1 == id)
            std::prev(next)->second = last;
        else
            runs_.emplace(id, last);
    }
    [[nodiscard]] std::size_t runs() const noexcept { return runs_.size(); }

  private:
    std::map<std::uint32_t, std::uint32_t> runs_; // first, last
};

} // namespace elsewhere::mux
