#include "core/transport/zygotes.hpp"

#include <unistd.h>

#include <atomic>

namespace elsewhere::transport {
namespace {

constexpr int most_useless = 3;

} // namespace

Zygotes &Zygotes::of_this_process() {
    static std::atomic<Zygotes *> here = nullptr;
    Zygotes *known = here.load();
    while (known == nullptr || known->owner_ != ::getpid()) {
        // That of the process that this one was forked from stays as it was then, with its locks.
        auto *own = new Zygotes(::getpid()); // NOLINT(cppcoreguidelines-owning-memory)
        if (here.compare_exchange_strong(known, own)) return *own;
        delete own; // NOLINT(cppcoreguidelines-owning-memory)
    }
    return *known;
}

std::shared_ptr<Zygote> Zygotes::get(const ZygoteRecipe &recipe, Zygote::Time delay) {
    const std::scoped_lock lock(mutex_);
    Place &place = places_[recipe.argv];
    if (place.zygote) {
        switch (place.zygote->state()) {
        case Zygote::State::starting:
        case Zygote::State::ready: return place.zygote;
        case Zygote::State::refusing: return nullptr;
        case Zygote::State::over: break;
        }
        place.useless = place.zygote->was_useless() ? place.useless + 1 : 0;
        place.zygote.reset();
    }
    // Whoever wants it at once knows better.
    if (place.useless >= most_useless && delay.count() > 0) return nullptr;
    try {
        place.zygote = Zygote::begin(recipe, delay);
    } catch (const std::exception &) {
        return nullptr; // no thread, no memory: workers start as well without
    }
    return place.zygote;
}

std::shared_ptr<Zygote> Zygotes::known(const Words &argv) {
    const std::scoped_lock lock(mutex_);
    const auto found = places_.find(argv);
    return found == places_.end() ? nullptr : found->second.zygote;
}

} // namespace elsewhere::transport
