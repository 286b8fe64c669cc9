#pragma once

#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>

#include "core/gateway/link.hpp"

namespace elsewhere::gateway {

// One end of a gateway: its link, which stays when it is over, for what had come.
class Endpoint {
  public:
    // `place`: the other end, in messages.
    explicit Endpoint(std::string place, std::unique_ptr<Link> link = {})
        : place_(std::move(place)), link_(std::move(link)) {}
    virtual ~Endpoint() = default;
    Endpoint(const Endpoint &) = delete;
    Endpoint &operator=(const Endpoint &) = delete;

    // Calls what(Link &) so that drop() waits for its end.
    template <class What> auto use(What what) {
        const std::shared_lock lock(in_use_);
        if (!link_) throw closed();
        return what(*link_);
    }
    [[nodiscard]] const std::string &place() const noexcept { return place_; }

  protected:
    [[nodiscard]] Error closed() const {
        return {ErrorKind::disconnected, "the gateway to " + place_ + " is closed"};
    }
    // What is inside use() must have been told to leave: Link::end().
    void drop() {
        const std::unique_lock lock(in_use_);
        if (link_) link_->release_stream();
    }

    std::string place_;
    std::unique_ptr<Link> link_;

  private:
    std::shared_mutex in_use_;
};

} // namespace elsewhere::gateway
