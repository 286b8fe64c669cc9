#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace elsewhere::mux {

// Where messages wait that nobody takes, once those in memory are many.
class Overflow {
  public:
    virtual ~Overflow() = default;
    // Where they are kept; nothing: there is no room, so they stay in memory.
    virtual std::optional<std::uint64_t> keep(std::span<const std::uint8_t> bytes) = 0;
    // Gives them back and forgets them; false: they cannot be read.
    virtual bool give_back(std::uint64_t at, std::span<std::uint8_t> to) = 0;
    virtual void forget(std::uint64_t at, std::size_t size) = 0;
};

} // namespace elsewhere::mux
