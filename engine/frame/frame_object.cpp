// Frame objects: what tracebacks and sys._getframe() hold.
#include "engine/frame/patch.hpp"

#include <frameobject.h>

namespace elsewhere::frame {

Ref frame_shell(PyObject *code, PyObject *globals, PyObject *locals) {
    return Ref::checked(reinterpret_cast<PyObject *>(
        PyFrame_New(PyThreadState_Get(), reinterpret_cast<PyCodeObject *>(code), globals, locals)));
}

void fill_frame(PyObject *frame, FrameRecord &&record) {
    ElwFrame *inside = elw_frame_of(reinterpret_cast<PyFrameObject *>(frame));
    record.frame = Ref(); // it is its own frame object already
    record.stack.clear();
    const int instruction = static_cast<int>(record.instruction);
    patch_frame(inside, std::move(record));
    elw_set_in_flight(inside, instruction, instruction + 1);
}

FrameRecord capture_frame_object(PyObject *frame) {
    return read_frame(elw_frame_of(reinterpret_cast<PyFrameObject *>(frame)));
}

} // namespace elsewhere::frame
