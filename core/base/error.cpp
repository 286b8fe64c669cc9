#include "core/base/error.hpp"

namespace elsewhere {

int exit_code(ErrorKind kind) noexcept {
    switch (kind) {
#define ELSEWHERE_ERROR_KIND(name, python_class, python_base, exit_code)                           \
    case ErrorKind::name:                                                                          \
        return exit_code;
#include <elsewhere/error_kinds.def>
#undef ELSEWHERE_ERROR_KIND
    }
    return 70;
}

std::string_view name(ErrorKind kind) noexcept {
    switch (kind) {
#define ELSEWHERE_ERROR_KIND(name, python_class, python_base, exit_code)                           \
    case ErrorKind::name:                                                                          \
        return #name;
#include <elsewhere/error_kinds.def>
#undef ELSEWHERE_ERROR_KIND
    }
    return "internal";
}

} // namespace elsewhere
