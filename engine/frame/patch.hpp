#pragma once

#include <utility>

#include "engine/cpython/frame_abi.h"
#include "engine/frame/record.hpp"

namespace elsewhere::frame {

// Identity and variables of an interpreter frame; no value stack, no delivery. `instruction` and
// `line` are those of the instruction in flight.
FrameRecord read_frame(ElwFrame *frame);

// What an entry of a value stack holds: Role::temporary, null or number, with its value.
std::pair<Role, Ref> read_slot(ElwSlot slot);

// Makes a fresh frame the recorded one: function, locals, variables, value stack, blocks, frame
// object. Does not say where it goes on. The record's references move into the frame. Returns the
// frame that goes on (elw_adopt_frame_object).
ElwFrame *patch_frame(ElwFrame *frame, FrameRecord &&record);

// As many empty cells as the code has free variables; null for none.
Ref dummy_closure(PyCodeObject *code);

// Calls `function` with as many arguments as its code demands, all one object of ours.
Ref call_with_dummies(PyObject *function, PyCodeObject *code);

} // namespace elsewhere::frame
