#pragma once

#include <sys/types.h>

#include "core/base/fd.hpp"
#include "core/transport/words.hpp"

namespace elsewhere::transport {

// A child and our ends of its three streams, all close-on-exec and non-blocking.
struct Child {
    pid_t pid = -1;
    Fd pidfd; // readable once it has ended; none on kernels before 5.3
    Fd input; // its stdin
    Fd output;
    Fd errors;
};

// One that is close-on-exec, with ends above 2. Throws Error{internal} when the system is out of
// something.
struct Pipe {
    Pipe();
    Fd from, to;
};

// The three streams of a child, both ends.
struct Standard {
    Standard();
    // Our ends, once the child has its own.
    [[nodiscard]] Child child(pid_t pid) &&;
    Pipe input, output, errors;
};

// What Ctrl-C at our terminal does not do to a child: end it in the middle of a hand-over. We are
// told, and decide.
enum class Keyboard {
    none,   // a process group of its own: nothing that is typed reaches it
    absent, // a session of its own: there is no terminal that it could ask at either
    prompts // ours, because ssh may ask for a password there, with SIGINT and SIGQUIT held back
};

// Starts argv[0], looked up on PATH, by posix_spawn: this process may have threads. Signals are as
// in a fresh login, but a SIGHUP ignored here (nohup) stays ignored there. Throws
// Error{unsupported} where the program cannot be started, Error{internal} where the system is out
// of something.
[[nodiscard]] Child spawn(Words argv, Keyboard keyboard);

// The same with streams of the caller's, and an environment: pointers to `NAME=value`, a null last.
struct Ends {
    const Fd &input, &output, &errors;
};
[[nodiscard]] pid_t start(Words argv, Keyboard keyboard, const Ends &ends,
                          char *const *environment);

} // namespace elsewhere::transport
