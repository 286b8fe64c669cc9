// How a link goes on in memory that both ends share: spec/wire.md, "Shared memory".
#include <algorithm>

#include "core/gateway/link.hpp"

namespace elsewhere::gateway {

void Link::share_memory(std::uint64_t after) {
    const Lock lock = locked();
    memory_ = Memory::allowed;
    worth_sharing_ = after;
}

void Link::consider_memory() {
    if (memory_ == Memory::allowed && mux_.written() + read_ >= worth_sharing_) {
        memory_ = Memory::wanted;
        medium_.make_memory();
    }
    if (memory_ == Memory::wanted)
        if (auto description = medium_.description()) {
            memory_ = Memory::offered;
            (void)mux_.offer_memory(std::move(*description), medium_.carried());
        }
    if (const auto offer = mux_.take_memory_offer(); offer && medium_.open_memory(offer->span())) {
        memory_ = Memory::offered;
        moves_at_ = mux_.move_output();
    }
    if (memory_ == Memory::offered && mux_.input_moved()) {
        memory_ = Memory::reached;
        medium_.input_moves();
        if (mux_.side() == mux::Side::controller) moves_at_ = mux_.move_output();
    }
}

// Whoever only sends reads nothing, nor the other end's word that it shares the memory.
void Link::look_for_memory(Lock &lock) {
    if (memory_ == Memory::offered && pumping_ == nullptr && writes_ % 64 == 0)
        (void)wait(lock, Clock::now(), [] { return false; });
}

std::size_t Link::before_move(std::span<iovec> stretches) const {
    if (moves_at_ == 0) return stretches.size();
    std::uint64_t left = moves_at_ - mux_.written();
    std::size_t count = 0;
    for (iovec &stretch : stretches) {
        if (left == 0) break;
        stretch.iov_len = std::min<std::uint64_t>(stretch.iov_len, left);
        left -= stretch.iov_len;
        ++count;
    }
    return count;
}

} // namespace elsewhere::gateway
