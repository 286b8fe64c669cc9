#pragma once

#include <Python.h>

namespace elsewhere::bindings {

// An interpreter that ends (before 3.14) kills every other thread that wants the GIL, by unwinding
// its stack: through our C++, that ends the process. So before that, settle() lets nobody in any
// more and waits for those that are inside; whoever comes then is put to sleep for good, as 3.14
// does itself.

// Around everything of ours that Python calls.
class Inside {
  public:
    Inside() noexcept;
    ~Inside();
    Inside(const Inside &) = delete;
    Inside &operator=(const Inside &) = delete;
};

// Lets other threads run Python meanwhile.
class WithoutGil {
  public:
    WithoutGil() noexcept;
    ~WithoutGil();
    WithoutGil(const WithoutGil &) = delete;
    WithoutGil &operator=(const WithoutGil &) = delete;

  private:
    PyThreadState *state_; // null once all is settled
};

void add_settling(PyObject *module);

} // namespace elsewhere::bindings
