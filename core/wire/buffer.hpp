#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <span>
#include <utility>

#include "core/base/huge_pages.hpp"

namespace elsewhere::wire {

// Bytes that grow. Unlike a vector it leaves new bytes as they are (they are about to be read
// into), and a long one grows by remapping its pages, which realloc does, instead of by copying.
//
// Before its first byte a block has room: the contents of a value of bytes, which come behind a tag
// and four bytes of size, begin where those of a Python bytes object do that is the same block.
class Buffer {
  public:
    static constexpr std::size_t front = 27;

    Buffer() = default;
    Buffer(Buffer &&other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)),
          capacity_(std::exchange(other.capacity_, 0)) {}
    Buffer &operator=(Buffer &&other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
        return *this;
    }
    ~Buffer() { std::free(block()); }

    [[nodiscard]] std::uint8_t *data() noexcept { return data_; }
    [[nodiscard]] const std::uint8_t *data() const noexcept { return data_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::span<const std::uint8_t> span() const noexcept { return {data_, size_}; }

    // Room for `more` bytes behind the end; they may be written at data() + size().
    void reserve_more(std::size_t more) {
        if (more > capacity_ - size_) grow(more);
    }
    // Where `count` new bytes are to be written.
    std::uint8_t *extend(std::size_t count) {
        reserve_more(count);
        return data_ + std::exchange(size_, size_ + count);
    }
    void append(std::span<const std::uint8_t> bytes) {
        if (!bytes.empty()) std::memcpy(extend(bytes.size()), bytes.data(), bytes.size());
    }
    void push_back(std::uint8_t byte) { *extend(1) = byte; }
    void shrink_to(std::size_t size) noexcept { size_ = size; }
    void clear() noexcept { size_ = 0; }
    // The block of malloc() that all is in, `front` bytes into it and with a byte more behind its
    // capacity. It is the caller's; the buffer is empty.
    [[nodiscard]] std::uint8_t *release() noexcept {
        std::uint8_t *all = block();
        data_ = nullptr;
        size_ = capacity_ = 0;
        return all;
    }

  private:
    [[nodiscard]] std::uint8_t *block() const noexcept {
        return data_ == nullptr ? nullptr : data_ - front;
    }
    void grow(std::size_t more) {
        if (more > SIZE_MAX / 4 || size_ > SIZE_MAX / 4) throw std::bad_alloc();
        std::size_t capacity = capacity_ + capacity_ / 2;
        if (capacity < size_ + more) capacity = size_ + more;
        if (capacity < 32) capacity = 32;
        void *all = std::realloc(block(), front + capacity + 1);
        if (all == nullptr) throw std::bad_alloc();
        data_ = static_cast<std::uint8_t *>(all) + front;
        capacity_ = capacity;
        expect_fill(data_ + size_, capacity_ - size_);
    }

    std::uint8_t *data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

} // namespace elsewhere::wire
