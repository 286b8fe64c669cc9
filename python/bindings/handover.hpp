#pragma once

#include <string>

namespace elsewhere::bindings {

// In a process that a program has moved to, when everything is rebuilt: says READY on `control`,
// and GONE when GO was said; then returns. If it never is, `state` is kept in the file that
// elsewhere._travel.arrival.path names, and the process ends.
void await_go(int control, const std::string &state);

} // namespace elsewhere::bindings
