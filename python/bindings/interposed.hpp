#pragma once

#include <optional>

#include "engine/frame/capture.hpp"

// A few C functions of the standard library get a prologue of ours, by their method tables: the
// function objects stay the same, and nobody pays who does not call them.
namespace elsewhere::bindings {

// Puts `ours` in the place of a builtin function; returns what was there, or null where the flags
// are not as expected: then nothing is changed. Throws PythonError.
PyCFunction interpose(const char *module, const char *name, int flags, PyCFunction ours);

// time.sleep, select.select, Lock.acquire, RLock.acquire and SimpleQueue.get note when a wait
// began, so that a resumed program waits for the remaining time only. Throws PythonError.
void watch_waits();

// signal.signal notes when the program takes SIGTERM or SIGUSR1 for itself, and says so once
// (null: no more).
void watch_handlers(PyObject *our_handler);

// time.monotonic and time.perf_counter go on from these values (seconds): the pause between
// suspend and resume did not happen for the program. Throws PythonError.
void continue_clocks(double monotonic, double perf_counter);

// What the program reads from both just now.
struct Clocks {
    double monotonic = 0;
    double perf_counter = 0;
};
Clocks read_clocks();

// If the main thread stands in a C function that only waits: how to capture it so that it waits
// again for what is left. Nothing if it stands elsewhere.
std::optional<frame::CaptureRequest> waiting_call();

// input() waits at a terminal, whose settings readline may have changed: as they were before, and
// at the start of a line.
void give_back_terminal();

} // namespace elsewhere::bindings
