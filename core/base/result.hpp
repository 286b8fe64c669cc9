#pragma once

#include <utility>
#include <variant>

#include "core/base/error.hpp"

namespace elsewhere {

// A value or the Error that took its place: for answers in which failure is ordinary (decoding
// foreign bytes, "can this frame be captured"). `value()` on a failure throws the error.
template <typename T> class [[nodiscard]] Result {
  public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return ok(); }

    [[nodiscard]] T &value() & {
        if (!ok()) throw std::get<1>(state_);
        return std::get<0>(state_);
    }
    [[nodiscard]] T &&value() && {
        if (!ok()) throw std::get<1>(state_);
        return std::get<0>(std::move(state_));
    }
    [[nodiscard]] const Error &error() const { return std::get<1>(state_); }

  private:
    std::variant<T, Error> state_;
};

} // namespace elsewhere
