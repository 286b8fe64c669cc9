#pragma once

#include <algorithm>
#include <type_traits>

#include "core/gateway/endpoint.hpp"
#include "python/bindings/entry.hpp"
#include "python/bindings/settling.hpp"
#include "python/bindings/values.hpp"

// What the types on the two ends of a gateway share.
namespace elsewhere::bindings {

// A Python object that owns an end of a gateway: what channels belong to.
struct EndpointObject {
    PyObject_HEAD gateway::Endpoint *endpoint; // null until it was opened
    bool python2;                              // the other end is one
    bool plain;        // a worker, which has no elsewhere.errors: what fails is an OSError
    PyObject *carrier; // strong, or null: the channel of another gateway that this one goes over
};

inline EndpointObject *as_endpoint(PyObject *object) {
    return reinterpret_cast<EndpointObject *>(object);
}
inline PyObject *as_object(EndpointObject *self) { return reinterpret_cast<PyObject *>(self); }
// Throws Error{usage} if it was never opened.
gateway::Endpoint &opened(EndpointObject *self);

// Channels of one endpoint as values, and messages with them.
class ChannelsOf final : public ChannelCodec {
  public:
    explicit ChannelsOf(EndpointObject *owner) : owner_(owner) {}
    [[nodiscard]] std::optional<std::uint32_t> id_of(PyObject *object) const override;
    // As marshal does in a worker of pure Python.
    [[nodiscard]] bool takes_buffers() const override { return owner_->plain; }
    [[nodiscard]] Ref channel_of(std::uint32_t id) const override;
    [[nodiscard]] Ref cannot_send(const std::string &why) const override;

  private:
    EndpointObject *owner_;
};
[[nodiscard]] Ref load_message(EndpointObject *self, mux::Message &message);
// The text of the error with which the other end has closed a channel, or None.
[[nodiscard]] Ref error_of(EndpointObject *self, std::uint32_t id);
// Of a Channel. Throws Error{usage} if it is none.
struct ChannelParts {
    EndpointObject *owner;
    std::uint32_t id;
};
[[nodiscard]] ChannelParts parts_of(PyObject *channel);
// Closes a channel, with an error if that is not None. Nothing, if it or the link is closed.
void close_channel_of(EndpointObject *self, std::uint32_t id, PyObject *error);
[[noreturn]] void raise(PyObject *exception); // steals
[[noreturn]] void raise_timeout(const char *what);

// Returns when the bytes are written. Whatever is thrown: the other end has not got them whole.
void finish_sending(gateway::Endpoint &endpoint, const gateway::Sent &sent);

inline void run_signal_handlers() {
    if (PyErr_CheckSignals() < 0) throw PythonError{};
}

// Calls attempt() without the GIL until it was not interrupted by a signal; its result.
template <class Attempt> auto persistently(Attempt attempt) {
    for (;;) {
        auto result = [&] {
            const WithoutGil free;
            return attempt();
        }();
        if constexpr (std::is_same_v<decltype(result), gateway::Wait>) {
            if (result != gateway::Wait::interrupted) return result;
        } else {
            if (result.wait != gateway::Wait::interrupted) return result;
        }
        run_signal_handlers();
    }
}

// None: for ever.
gateway::Deadline deadline_in(PyObject *seconds);

template <class T> void *slot(T *function) { return reinterpret_cast<void *>(function); }

extern PyTypeObject *endpoint_type; // the base of what owns an endpoint

} // namespace elsewhere::bindings
