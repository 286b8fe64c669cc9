#include "python/bindings/points.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "core/base/file.hpp"
#include "engine/cpython/frame_abi.h"
#include "engine/frame/code_map.hpp"

namespace elsewhere::bindings {

namespace {

std::string plain(PyObject *text) {
    const char *utf8 = text != nullptr && PyUnicode_Check(text) ? PyUnicode_AsUTF8(text) : nullptr;
    if (utf8 == nullptr) {
        PyErr_Clear();
        return "?";
    }
    return utf8;
}

// What a stack looks like from its inner end. Frames further out change what is around, not what is
// to be kept of these two.
std::string place() {
    std::string words = elw_facts.stops_by_trace            ? "at" // the next instruction
                        : elw_signal_between_instructions() ? "between"
                                                            : "inside";
    ElwFrame *frame = elw_innermost(PyThreadState_Get());
    for (int i = 0; i < 2 && frame != nullptr; ++i) {
        PyCodeObject *code = elw_code(frame);
        const std::string file = plain(code->co_filename);
        words += " " + plain(elw_qualname(code)) + " " + file.substr(file.rfind('/') + 1) + ":" +
                 std::to_string(PyCode_Addr2Line(code, elw_in_flight(frame) * 2)) + "+" +
                 std::to_string(elw_in_flight(frame));
        ElwEntry entry = ELW_ENTERED_FROM_C;
        PyObject *instance = nullptr;
        frame = elw_outer(frame, &entry, &instance);
    }
    return words;
}

void add_line(const std::string &file, const std::string &line) {
    if (std::FILE *to = std::fopen(file.c_str(), "ae")) {
        std::fprintf(to, "%s\n", line.c_str());
        std::fclose(to);
    }
}

} // namespace

void Points::read_environment() {
    const char *told = std::getenv("ELSEWHERE_TEST_POINTS");
    int name = 0;
    if (told == nullptr || std::sscanf(told, "%d %d %n", &times_, &every_, &name) != 2) return;
    file_ = told + name;
    const std::string lines = read_file(file_).value_or("");
    for (std::size_t at = 0, end = 0; (end = lines.find('\n', at)) != std::string::npos;
         at = end + 1)
        listed_.insert(lines.substr(at, std::min(lines.find('\t', at), end) - at));
}

void Points::begin() { on_ = times_ > 0; }

bool Points::leaves_here() {
    std::string here = place();
    const int time = ++met_[here];
    if (time > times_) return false;
    here += " #" + std::to_string(time);
    if (!listed_.insert(here).second) return false;
    last_ = std::move(here);
    const bool leaves = ++passed_ % every_ == 0;
    add_line(file_, last_ + (leaves ? "" : "\tpassed"));
    return leaves;
}

void Points::refused(const Error &error) {
    std::string reason = error.message();
    std::replace(reason.begin(), reason.end(), '\n', ' ');
    add_line(file_, last_ + "\trefused: " + reason);
}

bool Points::are_held() {
    PyThreadState *thread = PyThreadState_Get();
    const bool traced = thread->c_tracefunc != nullptr || thread->c_profilefunc != nullptr;
    ElwFrame *frame = elw_facts.signals_hold_start && traced ? elw_innermost(thread) : nullptr;
    if (frame == nullptr) return false;
    const frame::CodeMap map(elw_code(frame));
    const int at = map.start(elw_in_flight(frame));
    return at >= 0 && map.at(at).op == ELW_OP_RESUME;
}

} // namespace elsewhere::bindings
