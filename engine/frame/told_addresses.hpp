#pragma once

#include <cstdint>

#include "engine/cpython/ref.hpp"

// Which numbers may be addresses of objects to the program: those that id() has given out.
namespace elsewhere::frame {

// From now on id() is listened to. Throws PythonError, and Error{unsupported}.
void listen_to_id();

// The program knows this address.
void tell_address(std::uintptr_t address) noexcept;

// False if the program was never told it; true, seldom, for another one than it was told.
[[nodiscard]] bool is_told(std::uintptr_t address) noexcept;
[[nodiscard]] inline bool is_told(PyObject *object) noexcept {
    return is_told(reinterpret_cast<std::uintptr_t>(object));
}

} // namespace elsewhere::frame
