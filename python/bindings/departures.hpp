#pragma once

#include <string>

#include "engine/cpython/ref.hpp"

// Suspends asked for from outside: by signal.
namespace elsewhere::bindings {

// What the program was started with, as far as signals need it.
struct SignalSettings {
    std::string snapshot;        // where SIGTERM and SIGUSR1 write
    bool snapshot_given = false; // by --snapshot; else the place is told on stderr
    double grace = 10;           // seconds
    // Whether SIGTERM and SIGUSR1 suspend. Not so for a program that moved here and was not started
    // by `elsewhere run`: they mean to it what they always meant.
    bool standard = true;
};

// Installs the handlers of SIGTERM, SIGUSR1 and the control signal. They are taken once the
// signals are unblocked. Throws PythonError.
void install_signals(PyObject *module, SignalSettings settings);

// The program has ended; the interpreter is about to finalize. Throws PythonError.
void stop_signals();

// Restores the signal mask that the program was started with: it begins to run, in this process.
void unblock_signals();
void program_ended(); // it runs no more
void remember_mask(PyObject *numbers);

} // namespace elsewhere::bindings
