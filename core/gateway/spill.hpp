#pragma once

#include "core/base/fd.hpp"
#include "core/mux/overflow.hpp"

namespace elsewhere::gateway {

// An unlinked file of at most 4 GiB in the folder for temporary files, made when first needed. A
// full disk, or none, is no error: what finds no room stays in memory.
class Spill final : public mux::Overflow {
  public:
    std::optional<std::uint64_t> keep(std::span<const std::uint8_t> bytes) override;
    bool give_back(std::uint64_t at, std::span<std::uint8_t> to) override;
    void forget(std::uint64_t at, std::size_t size) override;

  private:
    static constexpr std::uint64_t most = std::uint64_t(4) << 30;
    Fd file_;
    bool tried_ = false;
    std::uint64_t end_ = 0;  // of the file
    std::uint64_t kept_ = 0; // bytes in it that somebody may ask for
};

} // namespace elsewhere::gateway
