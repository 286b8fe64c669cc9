#pragma once

#include <cstdint>
#include <span>

#include "core/wire/buffer.hpp"
#include "core/wire/packet.hpp"

namespace elsewhere::mux {

// The stream that comes, cut into packets. Knows of sizes only; what a packet means is the
// receiver's affair, which has:
//   bool begins(const Header &, Buffer &into)   where the payload is to be appended; false: ends it
//   bool ends(const Header &, Buffer &&)        the same, with the payload; false: ends it
// Bytes come by feed(), or are read straight to where they belong: direct(), then took().
class Input {
  public:
    // A long payload that is under way: its rest goes here. Empty: use feed(). Touches nothing
    // that others may use.
    [[nodiscard]] std::span<std::uint8_t> direct() {
        if (!in_payload_ || left_ < worth_it) return {};
        payload_.reserve_more(left_);
        return {payload_.data() + payload_.size(), left_};
    }
    template <class Receiver> bool took(std::size_t size, Receiver &receiver) {
        payload_.extend(size);
        left_ -= static_cast<std::uint32_t>(size);
        return left_ != 0 || end(receiver);
    }

    // False: the receiver has ended it.
    template <class Receiver> bool feed(std::span<const std::uint8_t> bytes, Receiver &receiver) {
        while (!bytes.empty()) {
            if (in_payload_) {
                const std::size_t part = std::min<std::size_t>(left_, bytes.size());
                payload_.append(bytes.first(part));
                bytes = bytes.subspan(part);
                left_ -= static_cast<std::uint32_t>(part);
            } else {
                const std::size_t part = std::min(wire::header_size - have_, bytes.size());
                std::memcpy(raw_ + have_, bytes.data(), part);
                bytes = bytes.subspan(part);
                have_ += part;
                if (have_ != wire::header_size) break;
                if (!begin(receiver)) return false;
            }
            if (in_payload_ && left_ == 0 && !end(receiver)) return false;
        }
        return true;
    }

  private:
    static constexpr std::uint32_t worth_it = 8192;

    template <class Receiver> bool begin(Receiver &receiver) {
        have_ = 0;
        Result<wire::Header> header = wire::decode(std::span(raw_));
        if (!header.ok()) return receiver.fails(header.error());
        header_ = header.value();
        payload_ = wire::Buffer();
        if (!receiver.begins(header_, payload_)) return false;
        in_payload_ = true;
        left_ = header_.size;
        return true;
    }
    template <class Receiver> bool end(Receiver &receiver) {
        in_payload_ = false;
        return receiver.ends(header_, std::move(payload_));
    }

    std::uint8_t raw_[wire::header_size] = {};
    std::size_t have_ = 0;
    wire::Header header_;
    bool in_payload_ = false;
    std::uint32_t left_ = 0;
    wire::Buffer payload_;
};

} // namespace elsewhere::mux
