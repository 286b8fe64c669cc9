// SIGTERM, SIGUSR1 and the control signal: a suspend asked for from outside, at an arbitrary
// instruction. CPython calls on_signal() in the main thread, either between two instructions of
// its eval loop or from C code that waits; no thread and no supervisor is involved.
#include "python/bindings/departures.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <ctime>
#include <optional>
#include <vector>

#include "engine/cpython/frame_abi.h"
#include "engine/cpython/imported_module.hpp"
#include "python/bindings/departure.hpp"
#include "python/bindings/entry.hpp"
#include "python/bindings/insistence.hpp"
#include "python/bindings/interposed.hpp"
#include "python/bindings/points.hpp"
#include "python/bindings/python_values.hpp"

namespace elsewhere::bindings {

namespace {

// With a request of `elsewhere suspend`, or after a lost link, this one suspends.
int control_signal() { return SIGRTMIN + 8; }

double now() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

// In one line, whatever is told: the command line of a child may have more.
void say(const std::string &line) {
    std::string whole = line;
    std::replace(whole.begin(), whole.end(), '\n', ' ');
    whole += '\n';
    for (std::size_t done = 0; done < whole.size();) {
        const ssize_t n = ::write(2, whole.data() + done, whole.size() - done);
        if (n <= 0) break;
        done += static_cast<std::size_t>(n);
    }
}

// What stood in the way; the program goes on.
void tell(const Error &error) {
    say("error: " + error.message());
    if (!error.hint().empty()) say("hint: " + error.hint());
    say("elsewhere: no snapshot was written; the program goes on");
}

// Where to write: as `elsewhere suspend` asks (nothing if it does not), or the default place.
std::optional<std::string> asked_path(bool by_request) {
    const Quiet quiet;
    Ref module = Ref::checked(imported_module("elsewhere._program"));
    Ref path = Ref::checked(
        PyObject_CallMethod(module.get(), by_request ? "take_request" : "default_path", nullptr));
    if (path.get() == Py_None) return std::nullopt;
    return text(path.get());
}

enum class Source { terminate, user, control };

// One wish to leave, from the signal that brought it to the snapshot or the end of the grace.
struct Request {
    Source source = Source::terminate;
    snapshot::Purpose purpose = snapshot::Purpose::suspend;
    std::string path;
    double deadline = 0;
    bool check = false; // a dry run
    std::vector<object::Problem> problems;
    std::optional<Error> obstacle;
};

// The program's own signals that come while this works interrupt nothing: C code that waits sees
// them when it is interrupted once more.
constexpr double last_tick = 0.002;

// Of a tour of all points: by then C code waits, which looks for no signal by itself.
constexpr double point_tick = 0.01;

// Of such a tour, too: until an instruction has been executed that new signals would hold back.
constexpr double start_tick = 0.0001;

// How long a dry run waits for an instant at which nothing is in the way.
constexpr double check_grace = 1;

bool check_is_asked() {
    const Quiet quiet;
    Ref module = Ref::checked(imported_module("elsewhere._program"));
    return Ref::checked(PyObject_CallMethod(module.get(), "check_is_asked", nullptr)).get() ==
           Py_True;
}

// Where a C call was seen to wait; seen twice in a row, it does wait.
struct Waiting {
    ElwFrame *frame = nullptr;
    int instruction = -1;
    bool operator==(const Waiting &) const = default;
};

// One per process, main thread only; lives as long as the process.
class Departures {
  public:
    void start(SignalSettings settings) {
        settings_ = std::move(settings);
        home_ = getpid();
        points_.read_environment();
    }
    void begin();
    void end() { points_.end(); }
    void on_signal(int number);
    int on_pending_call();
    int on_stopped();
    bool stop();

  private:
    void ask(Source source);
    void attempt(frame::CaptureRequest &&moment);
    void attempt_in_c();
    void attempt_between();
    void failed(const Error &error, double cost);
    void give_up();
    void succeeded();
    void checked(double cost);
    void arm(double seconds);
    void to_next_point();
    void ask_queued();
    void answer(const Error *error);
    void answer_check(const std::vector<object::Problem> &problems);

    SignalSettings settings_;
    Points points_;
    pid_t home_ = 0; // the process that is the program; not its forked children
    std::optional<Request> request_;
    std::optional<Source> queued_; // came while a checkpoint was being written
    Waiting waiting_;
    bool busy_ = false;            // writing: Python code runs, signals come back in here
    bool terminate_again_ = false; // a second SIGTERM came meanwhile
    bool call_pending_ = false;
    bool has_timer_ = false;
    timer_t timer_{};
};

Departures departures;

[[noreturn]] void die_of(int number) {
    struct sigaction plain = {};
    plain.sa_handler = SIG_DFL;
    sigaction(number, &plain, nullptr);
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, number);
    pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
    raise(number);
    _exit(128 + number);
}

void Departures::on_signal(int number) {
    if (getpid() != home_) die_of(number); // a forked child: what the signal does to any program
    seen();
    if (points_.on() && number == control_signal() && !busy_ && !request_) {
        if (!points_.leaves_here()) {
            to_next_point();
            return;
        }
        number = SIGTERM;
    }
    if (number == SIGTERM) {
        if (request_ && request_->source == Source::terminate) {
            if (!busy_) die_of(SIGTERM);
            terminate_again_ = true;
            return;
        }
        if (busy_)
            queued_ = Source::terminate;
        else
            ask(Source::terminate);
    } else if (number == SIGUSR1) {
        if (busy_ || request_)
            queued_ = queued_ ? queued_ : Source::user;
        else
            ask(Source::user);
    } else if (!busy_ && !request_) {
        ask(Source::control); // else: a tick of our own timer
    }
    if (busy_ || !request_) return;
    if (!elw_facts.stops_by_trace && elw_signal_between_instructions() &&
        !frame::may_be_inside_call())
        attempt_between();
    else
        attempt_in_c();
}

void Departures::ask(Source source) {
    Request request;
    request.source = source;
    request.purpose =
        source == Source::user ? snapshot::Purpose::checkpoint : snapshot::Purpose::suspend;
    request.path = settings_.snapshot;
    request.deadline = now() + settings_.grace;
    if (source == Source::control || request.path.empty()) {
        std::optional<std::string> path;
        try {
            path = asked_path(source == Source::control);
            request.check = path && source == Source::control && check_is_asked();
        } catch (const PythonError &) {
            // Ctrl-C, which came meanwhile, is the program's; what is ours must not surface there.
            if (!PyErr_ExceptionMatches(PyExc_Exception)) throw;
            tell(error_from_python());
            return;
        }
        if (!path) return; // the control signal without a request
        request.path = std::move(*path);
        if (request.check) request.deadline = std::min(request.deadline, now() + check_grace);
    }
    waiting_ = Waiting{};
    request_ = std::move(request);
}

// Between two instructions everything of the innermost frame is in its place.
void Departures::attempt_between() {
    frame::CaptureRequest moment;
    moment.moment = frame::Moment::between;
    attempt(std::move(moment));
}

// Inside C code: wait for the eval loop, unless this C code waits for the world and can be asked
// to wait again later.
void Departures::attempt_in_c() {
    PyThreadState *thread = PyThreadState_Get();
    if (elw_facts.stops_by_trace)
        elw_stop_at_next(thread, [] { return departures.on_stopped(); });
    else if (!call_pending_ &&
             Py_AddPendingCall([](void *) { return departures.on_pending_call(); }, nullptr) == 0)
        call_pending_ = true;
    ElwFrame *frame = elw_innermost(thread);
    const Waiting here{frame, frame != nullptr ? elw_in_flight(frame) : -1};
    const bool still = waiting_ == here;
    waiting_ = here;
    if (still) {
        if (std::optional<frame::CaptureRequest> moment = waiting_call()) {
            attempt(std::move(*moment));
            return;
        }
        if (now() >= request_->deadline) {
            frame::CaptureRequest moment; // says what stands in the way
            moment.moment = frame::Moment::blocked;
            attempt(std::move(moment));
            return;
        }
    }
    arm(0.002);
}

int Departures::on_pending_call() {
    call_pending_ = false;
    if (!request_ || busy_) return 0;
    try {
        if (frame::may_be_inside_call()) {
            if (points_.on())
                to_next_point();
            else
                arm(0.002);
            return 0;
        }
        waiting_ = Waiting{};
        attempt_between();
    } catch (const PythonError &) {
        return -1;
    }
    return 0;
}

int Departures::on_stopped() {
    if (!request_ || busy_) return 0;
    try {
        waiting_ = Waiting{};
        attempt_between();
    } catch (const PythonError &) {
        return -1;
    }
    return 0;
}

void Departures::attempt(frame::CaptureRequest &&moment) {
    const double begun = now();
    busy_ = true;
    std::optional<Error> obstacle;
    PyObject *type = nullptr;
    PyObject *value = nullptr;
    PyObject *traceback = nullptr;
    PyErr_Fetch(&type, &value, &traceback);
    try {
        if (request_->check)
            request_->problems = obstacles(&moment);
        else
            depart(moment, request_->path, request_->purpose);
    } catch (const Error &error) {
        obstacle = error;
    } catch (const PythonError &) {
        obstacle = error_from_python();
    } catch (const std::exception &error) {
        obstacle = Error(ErrorKind::internal, error.what());
    }
    PyErr_Restore(type, value, traceback);
    busy_ = false;
    if (request_->check && !obstacle)
        checked(now() - begun);
    else if (obstacle)
        failed(*obstacle, now() - begun);
    else
        succeeded();
}

void Departures::failed(const Error &error, double cost) {
    request_->obstacle = error;
    if (terminate_again_) die_of(SIGTERM);
    // A SIGTERM that came meanwhile does not wait for a checkpoint's grace.
    const bool may_pass = error.kind() == ErrorKind::refused && queued_ != Source::terminate;
    if (may_pass && points_.on()) {
        request_.reset();
        points_.refused(error);
        to_next_point();
        return;
    }
    if (!may_pass || now() >= request_->deadline) {
        give_up();
        return;
    }
    // Rechecking must not become what the program does: a tenth of the time at most.
    arm(std::max(0.0007, cost * 10));
}

void Departures::checked(double cost) {
    if (terminate_again_) die_of(SIGTERM);
    if (!request_->problems.empty() && now() < request_->deadline && !queued_) {
        arm(std::max(0.0007, cost * 10));
        return;
    }
    const Request request = std::move(*request_);
    request_.reset();
    arm(0);
    answer_check(request.problems);
    arm(last_tick); // after the answer: while it is written, signals are held
    ask_queued();
}

void Departures::give_up() {
    const Request request = std::move(*request_);
    request_.reset();
    arm(0);
    if (!request.check) tell(*request.obstacle);
    if (request.source == Source::control) answer(&*request.obstacle);
    arm(last_tick); // after the answer: while it is written, signals are held
    ask_queued();
}

void Departures::succeeded() {
    const Request request = std::move(*request_);
    request_.reset();
    arm(0);
    if (request.purpose == snapshot::Purpose::suspend) give_back_terminal();
    if (request.source == Source::control)
        answer(nullptr);
    else if (!settings_.snapshot_given)
        say("elsewhere: " +
            std::string(request.purpose == snapshot::Purpose::suspend ? "suspended to "
                                                                      : "snapshot in ") +
            request.path + "; continue with: elsewhere resume " + request.path);
    if (request.purpose == snapshot::Purpose::suspend) leave();
    arm(last_tick); // after the answer: while it is written, signals are held
    ask_queued();
}

void Departures::ask_queued() {
    if (!queued_) return;
    const Source source = *queued_;
    queued_.reset();
    ask(source);
    arm(0.0002);
}

// An answer is Python code of ours, in which the program's handlers, Ctrl-C's above all, must not
// raise what it would never get to see.
class SignalsHeld {
  public:
    SignalsHeld() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, &before_);
    }
    ~SignalsHeld() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsHeld(const SignalsHeld &) = delete;
    SignalsHeld &operator=(const SignalsHeld &) = delete;

  private:
    sigset_t before_{};
};

void Departures::answer(const Error *error) {
    const Quiet quiet;
    const SignalsHeld held;
    Ref module = Ref::steal(imported_module("elsewhere._program"));
    Ref done = Ref::steal(!module ? nullptr
                          : error != nullptr
                              ? PyObject_CallMethod(module.get(), "answer", "ssi", error->what(),
                                                    error->hint().c_str(), exit_code(error->kind()))
                              : PyObject_CallMethod(module.get(), "answer", nullptr));
    if (!done) PyErr_WriteUnraisable(nullptr); // the asker sees the process go on, or end
}

void Departures::answer_check(const std::vector<object::Problem> &problems) {
    const Quiet quiet;
    const SignalsHeld held;
    try {
        Ref module = Ref::checked(imported_module("elsewhere._program"));
        Ref rows = rows_of(problems);
        (void)Ref::checked(PyObject_CallMethod(module.get(), "answer_check", "O", rows.get()));
    } catch (const PythonError &) {
        PyErr_WriteUnraisable(nullptr); // the asker sees the process go on, or end
    }
}

// A tick in `seconds` (0: none): the control signal to this thread.
void Departures::arm(double seconds) {
    if (!has_timer_) {
        if (seconds <= 0) return;
        sigevent event = {};
        event.sigev_notify = SIGEV_THREAD_ID;
        event.sigev_signo = control_signal();
        event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));
        if (timer_create(CLOCK_MONOTONIC, &event, &timer_) != 0) return;
        has_timer_ = true;
    }
    itimerspec when = {};
    when.it_value.tv_sec = static_cast<time_t>(seconds);
    when.it_value.tv_nsec =
        static_cast<long>((seconds - static_cast<double>(when.it_value.tv_sec)) * 1e9);
    timer_settime(timer_, 0, &when, nullptr);
}

void Departures::begin() {
    points_.begin();
    if (points_.on()) to_next_point();
}

// CPython answers a signal at the next instant at which it can.
void Departures::to_next_point() {
    if (Points::are_held()) {
        arm(start_tick);
        return;
    }
    raise(control_signal());
    arm(point_tick);
}

// The program has ended: there is nothing left to suspend. Has SIGTERM asked for it?
bool Departures::stop() {
    if (getpid() != home_) return false;
    arm(0);
    seen();
    if (!request_) return false;
    const Request request = std::move(*request_);
    request_.reset();
    const Error ended(ErrorKind::refused, "the program ended before it could be suspended");
    if (request.source == Source::control) answer(&ended);
    return request.source == Source::terminate;
}

// ---- the handler and its installation ----

PyObject *on_signal(PyObject *, PyObject *const *arguments, Py_ssize_t count) {
    return entry([&] {
        if (count < 1) throw Error(ErrorKind::usage, "a signal number is missing");
        const long number = PyLong_AsLong(arguments[0]);
        if (number == -1 && PyErr_Occurred()) throw PythonError{};
        departures.on_signal(static_cast<int>(number));
        return none();
    });
}

PyMethodDef handler_method = {
    "on_signal", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(on_signal)),
    METH_FASTCALL, "Suspends the program when SIGTERM, SIGUSR1 or the control signal comes."};

sigset_t original_mask;
bool have_mask = false;

timer_t last_grace;
volatile sig_atomic_t terminations = 0;

// While the interpreter finalizes, a SIGTERM finds a program that is on its way out, with its
// result delivered. A second one, or the end of the grace, ends it as SIGTERM does.
void on_late_termination(int number) {
    terminations = terminations + 1;
    if (terminations > 1) {
        std::signal(number, SIG_DFL);
        std::raise(number);
        return;
    }
    itimerspec when = {};
    when.it_value.tv_sec = 10;
    timer_settime(last_grace, 0, &when, nullptr);
}

} // namespace

void stop_signals() {
    watch_handlers(nullptr);
    Ref signals = Ref::checked(imported_module("_signal"));
    std::vector<int> ours;
    for (const int number : {SIGTERM, SIGUSR1, control_signal()}) {
        Ref now = Ref::checked(PyObject_CallMethod(signals.get(), "getsignal", "i", number));
        if (PyCFunction_Check(now.get()) &&
            reinterpret_cast<PyCFunctionObject *>(now.get())->m_ml == &handler_method)
            ours.push_back(number); // else the program's own
    }
    sigevent event = {};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGTERM;
    timer_create(CLOCK_MONOTONIC, &event, &last_grace);
    const auto take = [](int number) {
        struct sigaction late = {};
        late.sa_handler = number == SIGTERM ? on_late_termination : SIG_IGN;
        late.sa_flags = SA_RESTART;
        sigaction(number, &late, nullptr);
    };
    // CPython hears of no new one from here on, and has to have seen those that it has heard of: it
    // would complain of one whose handler is gone.
    for (const int number : ours) take(number);
    if (PyErr_CheckSignals() != 0) throw PythonError{};
    const bool terminated = departures.stop();
    // Told to CPython as "ignored", so that its own finalization leaves them alone.
    for (const int number : ours) {
        (void)Ref::checked(PyObject_CallMethod(signals.get(), "signal", "ii", number, 1));
        take(number);
    }
    if (terminated) on_late_termination(SIGTERM);
}

void install_signals(PyObject *module, SignalSettings settings) {
    const bool standard = settings.standard;
    departures.start(std::move(settings));
    Ref name = Ref::checked(PyUnicode_FromString("elsewhere"));
    Ref handler = Ref::checked(PyCFunction_NewEx(&handler_method, nullptr, name.get()));
    if (PyModule_AddObjectRef(module, "on_signal", handler.get()) < 0) throw PythonError{};
    Ref signals = Ref::checked(imported_module("_signal"));
    const auto take = [&](int number) {
        (void)Ref::checked(
            PyObject_CallMethod(signals.get(), "signal", "iO", number, handler.get()));
    };
    take(control_signal());
    if (!standard) {
        insist({control_signal()});
        return;
    }
    take(SIGTERM);
    take(SIGUSR1);
    insist({control_signal(), SIGTERM, SIGUSR1});
    watch_handlers(handler.get());
}

void remember_mask(PyObject *numbers) {
    sigemptyset(&original_mask);
    Ref items = Ref::checked(PySequence_Fast(numbers, "a list of signal numbers"));
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.get()); ++i)
        sigaddset(&original_mask,
                  static_cast<int>(PyLong_AsLong(PySequence_Fast_GET_ITEM(items.get(), i))));
    // Asked to suspend is never blocked, whatever the parent had blocked.
    for (const int number : {SIGTERM, SIGUSR1, control_signal()}) sigdelset(&original_mask, number);
    have_mask = true;
}

void unblock_signals() {
    if (have_mask) pthread_sigmask(SIG_SETMASK, &original_mask, nullptr);
    departures.begin();
}

void program_ended() { departures.end(); }

} // namespace elsewhere::bindings
