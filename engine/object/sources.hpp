#pragma once

#include <string>

#include "engine/cpython/ref.hpp"

// Source text of the program's own code.
namespace elsewhere::object {

// What linecache or the file of that name says, or nothing.
std::string read_source(PyObject *file_name);

// So that tracebacks and inspect find it there. Throws PythonError.
void keep_source(PyObject *file_name, PyObject *source);

// Whoever says so calls linecache_is_imported(): until then texts may wait.
void imports_are_watched();

// The texts that were kept before go into linecache, whose import is done. Throws PythonError.
void linecache_is_imported();

} // namespace elsewhere::object
