#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

namespace elsewhere {

// To be called for a long run of fresh memory that is about to be filled: to get it in pages of
// 4 KiB takes longer than to copy the bytes. Only a wish, where the system leaves the choice.
inline void expect_fill(void *data, std::size_t size) noexcept {
    constexpr std::uintptr_t huge = 2 << 20;
    if (size < 2 * huge) return;
    const auto begin = reinterpret_cast<std::uintptr_t>(data);
    const std::uintptr_t first = (begin + huge - 1) & ~(huge - 1),
                         last = (begin + size) & ~(huge - 1);
    if (first < last) (void)::madvise(reinterpret_cast<void *>(first), last - first, MADV_HUGEPAGE);
}

} // namespace elsewhere
