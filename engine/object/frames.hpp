#pragma once

#include <span>
#include <vector>

#include "engine/frame/record.hpp"
#include "engine/object/walk.hpp"

// Frame records as parts to walk and as bytes (F in snapshot/object_ops.def).
namespace elsewhere::object {

// What the record refers to, but for its code, globals, generator and frame object. `label` gets
// in front of each name, e.g. "frame 2 (solve, file.py:41)".
void add_parts(std::vector<Part> &parts, const frame::FrameRecord &record,
               const std::string &label);

// The four references that are not parts.
struct FrameLinks {
    Reference code = 0, globals = 0, generator = 0, frame = 0;
};
// `parts` are the references of what add_parts gave.
void write_frame(Writer &out, const frame::FrameRecord &record, const FrameLinks &links,
                 std::span<const Reference> parts);

// "solve, file.py:41"
std::string place_of(const frame::FrameRecord &record);
// Names of the code's variables in the order of FrameRecord::variables.
std::vector<Ref> variable_names(PyObject *code);

} // namespace elsewhere::object
