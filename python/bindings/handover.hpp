#pragma once

namespace elsewhere::bindings {

// In a process that a program has moved to, when everything is rebuilt: says READY on `control` and
// returns when GO was said. Ends the process if it never is.
void await_go(int control);

} // namespace elsewhere::bindings
