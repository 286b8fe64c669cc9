#pragma once

#include <initializer_list>

// CPython looks for signals between two instructions, and in a call that a signal interrupts. One
// that comes after the last look and before the call waits is seen when the call has ended, which
// may be never. So signals of ours interrupt again, and later each time, until they were seen.
namespace elsewhere::bindings {

// `numbers` are signals whose handler in C is CPython's; each insists until the program gives it
// another handler. The calling thread is interrupted by the first of them, without a call of that
// handler. Once per process.
void insist(std::initializer_list<int> numbers);

// A handler in Python has been called, or none will be any more.
void seen();

} // namespace elsewhere::bindings
