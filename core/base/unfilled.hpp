#pragma once

#include <memory>
#include <new>
#include <utility>

namespace elsewhere {

// For vectors that are filled after resize(), which leaves what is new as it is: zeros would cost
// as much as the data.
template <typename T> struct Unfilled {
    using value_type = T;
    Unfilled() = default;
    template <typename U> Unfilled(const Unfilled<U> &) noexcept {}
    T *allocate(std::size_t count) { return std::allocator<T>().allocate(count); }
    void deallocate(T *memory, std::size_t count) noexcept {
        std::allocator<T>().deallocate(memory, count);
    }
    template <typename U> void construct(U *at) noexcept { ::new (static_cast<void *>(at)) U; }
    template <typename U, typename... Arguments> void construct(U *at, Arguments &&...arguments) {
        ::new (static_cast<void *>(at)) U(std::forward<Arguments>(arguments)...);
    }
    bool operator==(const Unfilled &) const = default;
};

} // namespace elsewhere
