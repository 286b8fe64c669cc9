#include <elsewhere/gateway.hpp>

#include <atomic>

#include "core/gateway/gateway.hpp"
#include "core/gateway/hello.hpp"
#include "core/wire/value.hpp"

namespace elsewhere {

namespace {

using gateway::Clock;
using gateway::Deadline;
using gateway::Link;
using gateway::Received;
using gateway::Wait;

Deadline deadline_in(std::optional<Seconds> timeout) {
    if (!timeout) return {};
    return Clock::now() + std::chrono::duration_cast<Clock::duration>(*timeout);
}

// Signals are the program's affair: the wait goes on.
template <class Attempt> auto persistently(Attempt attempt) {
    for (;;) {
        auto result = attempt();
        if constexpr (std::is_same_v<decltype(result), Wait>) {
            if (result != Wait::interrupted) return result;
        } else {
            if (result.wait != Wait::interrupted) return result;
        }
    }
}

Value decoded(const mux::Message &message) {
    return wire::decode(message.bytes.span(), message.extended).value();
}

std::string next_id() {
    static std::atomic<unsigned> count = 0;
    return "gw" + std::to_string(count++);
}

} // namespace

struct Gateway::State {
    State(const transport::XSpec &spec, gateway::Settings settings)
        : remote(spec, std::move(settings)), facts(decoded(remote.hello()).get<Value::Dict>()) {}

    gateway::Gateway remote;
    Value::Dict facts;
};

struct Channel::State {
    template <class What> auto use(What what) const { return gateway->remote.use(what); }

    State(std::shared_ptr<Gateway::State> owner, std::uint32_t number)
        : gateway(std::move(owner)), id(number) {}
    State(const State &) = delete;
    State &operator=(const State &) = delete;
    ~State() {
        try {
            use([&](Link &link) {
                if (const auto state = link.state(id); state.known && !state.closed)
                    (void)link.close(id);
                link.forget(id);
                return 0;
            });
        } catch (const Error &) {
            // the link is over, and the channel with it
        }
    }

    // Why nothing more comes: throws what ended it, if that was not the peaceful end.
    void check_end() const {
        std::optional<mux::Message> remote;
        std::optional<Error> over;
        use([&](Link &link) {
            remote = link.error(id);
            over = link.over();
            return 0;
        });
        if (remote && !remote->bytes.empty())
            throw RemoteError(decoded(*remote).get<std::string>());
        if (over) throw Error(*over);
    }

    std::shared_ptr<Gateway::State> gateway;
    std::uint32_t id;
};

// ---- Channel ------------------------------------------------------------------------------------

void Channel::send(const Value &value) const {
    state_->use([&](Link &link) {
        auto sent = link.send(state_->id, wire::encode(value));
        while (sent.wait == Wait::interrupted) sent.wait = link.wait_out(sent.ticket);
        if (sent.wait != Wait::done)
            throw link.over().value_or(
                Error(ErrorKind::usage, "the channel was closed by the other end"));
        return 0;
    });
}

std::optional<Value> Channel::next(std::optional<Seconds> timeout) const {
    const Deadline deadline = deadline_in(timeout);
    const Received came = persistently([&] {
        return state_->use([&](Link &link) { return link.receive(state_->id, deadline); });
    });
    if (came.wait == Wait::done) return decoded(came.message);
    if (came.wait == Wait::timed_out) throw Error(ErrorKind::timeout, "no value came in time");
    state_->check_end();
    return std::nullopt;
}

Value Channel::receive(std::optional<Seconds> timeout) const {
    if (auto value = next(timeout)) return std::move(*value);
    throw Error(ErrorKind::disconnected, "the channel is closed: no value comes any more",
                "next() tells the end from a value");
}

void Channel::limit(std::uint64_t bytes) const {
    state_->use([&](Link &link) { return link.limit(state_->id, bytes); });
}

void Channel::close() const {
    state_->use([&](Link &link) {
        if (const auto state = link.state(state_->id); state.known && !state.closed)
            (void)link.close(state_->id);
        return 0;
    });
}

bool Channel::is_closed() const {
    try {
        return state_->use([&](Link &link) { return link.state(state_->id).closed; });
    } catch (const Error &) {
        return true;
    }
}

void Channel::wait_close(std::optional<Seconds> timeout) const {
    const Deadline deadline = deadline_in(timeout);
    const Wait wait = persistently([&] {
        return state_->use([&](Link &link) { return link.wait_closed(state_->id, deadline); });
    });
    if (wait == Wait::timed_out)
        throw Error(ErrorKind::timeout, "the channel was not closed in time");
    state_->check_end();
}

std::uint32_t Channel::id() const noexcept { return state_->id; }

// ---- Gateway ------------------------------------------------------------------------------------

Channel Gateway::new_channel() const {
    const auto id = state_->remote.use([](Link &link) { return link.open(); });
    return Channel(std::make_shared<Channel::State>(state_, id));
}

Channel Gateway::remote_exec(std::string_view source, std::string_view function,
                             const Value::Dict &arguments) const {
    Channel channel = new_channel();
    const Value what =
        Value::tuple({source, Value(), function.empty() ? Value() : Value(function), arguments});
    state_->remote.use([&](Link &link) {
        auto sent = link.exec(channel.id(), wire::encode(what));
        while (sent.wait == Wait::interrupted) sent.wait = link.wait_out(sent.ticket);
        if (sent.wait != Wait::done)
            throw link.over().value_or(Error(ErrorKind::disconnected, "the connection was lost"));
        return 0;
    });
    return channel;
}

const Value::Dict &Gateway::facts() const noexcept { return state_->facts; }

bool Gateway::is_open() const {
    try {
        return state_->remote.use([](Link &link) { return !link.over(); });
    } catch (const Error &) {
        return false;
    }
}

void Gateway::exit(Seconds timeout) const noexcept {
    state_->remote.close(std::chrono::duration_cast<std::chrono::milliseconds>(timeout));
}

Gateway make_gateway(std::string_view text) {
    const transport::XSpec spec{std::string(text)};
    transport::validate(spec);
    if (spec.get("imports") == "controller")
        throw Error(ErrorKind::usage, "a controller in C++ has no modules to import",
                    "leave imports=controller away");
    gateway::Settings settings;
    settings.origin = {.python = {}, .has_terminal = transport::terminal_is_here()};
    settings.greet = [&](const mux::Message *) -> std::optional<gateway::Settings::Greeting> {
        const auto hello = gateway::hello_for(spec, spec.get("id").value_or(next_id()));
        return {{.hello = wire::Payload(wire::encode(hello).joined())}};
    };
    return Gateway(std::make_shared<Gateway::State>(spec, std::move(settings)));
}

} // namespace elsewhere
