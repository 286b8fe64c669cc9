#pragma once

#include "engine/cpython/ref.hpp"

// exec(text) and eval(text) compile before they run. When such a call is made again after a resume,
// its code is there already: compiled once more, it would say its warnings once more, which may be
// Python code that runs first.
namespace elsewhere::frame {

// The instruction that is executed again may be such a call: then it runs this code.
void run_for_text(PyObject *code);
// It has come to Python code, or was another one.
void forget_code_for_text();

} // namespace elsewhere::frame
