#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <elsewhere/error.hpp>
#include <elsewhere/value.hpp>

// Python interpreters elsewhere, from C++; the words are those of the Python package.
//
//     auto gateway = elsewhere::make_gateway("ssh=user@host//python=3.12");
//     auto channel = gateway.remote_exec("channel.send(6 * 7)");
//     std::int64_t answer = channel.receive().get<std::int64_t>();
//
// Errors are an elsewhere::Error; its kind says what to do next (error_kinds.def). Writing to a
// host that is gone raises SIGPIPE, as with every pipe: ignore it.
namespace elsewhere {

class Gateway;
using Seconds = std::chrono::duration<double>;

// An exception ended the code at the other end; message() is its traceback.
class RemoteError : public Error {
  public:
    explicit RemoteError(std::string traceback) : Error(ErrorKind::remote, std::move(traceback)) {}
};

// Values to and from code that runs at the other end of a gateway. A handle: copies are the same
// channel, which closes with the last of them. Any thread may use it. The gateway lives as long as
// one of its channels.
class Channel {
  public:
    // Throws Error{usage}: the channel is closed; Error{disconnected}: the connection is lost.
    void send(const Value &value) const;
    // The next value; nothing when none will come any more (again and again).
    // Throws RemoteError, Error{timeout}, Error{disconnected}.
    [[nodiscard]] std::optional<Value> next(std::optional<Seconds> timeout = {}) const;
    // The same where a value is expected: throws Error{disconnected} at the end, too.
    [[nodiscard]] Value receive(std::optional<Seconds> timeout = {}) const;
    // From now on code there waits with a send while `bytes` of what it has sent were not received;
    // 0: as before. Without a limit, what nobody receives waits in a file. Throws
    // Error{disconnected}.
    void limit(std::uint64_t bytes) const;
    // Neither sends nor receives any more; code there that does gets an error.
    void close() const;
    [[nodiscard]] bool is_closed() const;
    // Until the code there has ended. Throws RemoteError, Error{timeout}, Error{disconnected}.
    void wait_close(std::optional<Seconds> timeout = {}) const;
    [[nodiscard]] std::uint32_t id() const noexcept;
    // To send it as a value over another channel of its gateway.
    operator Value() const { return Value(Value::Channel{id()}); }

  private:
    friend class Gateway;
    struct State;
    explicit Channel(std::shared_ptr<State> state) : state_(std::move(state)) {}
    std::shared_ptr<State> state_;
};

// One remote interpreter. A handle: copies are the same gateway, which ends, bounded in time, with
// the last of them and of its channels. Any thread may use it.
class Gateway {
  public:
    // Executes source text there, with the name `channel` for the other end of the result; then,
    // if a function is named, calls function(channel, **arguments). Throws Error{disconnected}.
    [[nodiscard]] Channel remote_exec(std::string_view source, std::string_view function = {},
                                      const Value::Dict &arguments = {}) const;
    // A channel that no code there knows yet: send it over another one.
    [[nodiscard]] Channel new_channel() const;
    // What the interpreter told of itself: "python", "executable", "platform", "pid", …
    [[nodiscard]] const Value::Dict &facts() const noexcept;
    [[nodiscard]] bool is_open() const;
    // Ends the interpreter, in `timeout` at most. Never throws.
    void exit(Seconds timeout = Seconds(2)) const noexcept;

  private:
    friend Gateway make_gateway(std::string_view spec);
    struct State;
    friend class Channel;
    explicit Gateway(std::shared_ptr<State> state) : state_(std::move(state)) {}
    std::shared_ptr<State> state_;
};

// Starts or reaches a Python: "popen", "ssh=user@host//python=3.12", … (README, "Specs").
// Throws Error{usage | unreachable | untrusted | unsupported | protocol}, naming the host.
[[nodiscard]] Gateway make_gateway(std::string_view spec);

} // namespace elsewhere
