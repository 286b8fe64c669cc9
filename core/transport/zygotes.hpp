#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "core/transport/zygote.hpp"

namespace elsewhere::transport {

// The zygotes of this process: one for each command that starts an interpreter. For any thread.
// Never destroyed: threads of theirs may run when this process ends, and they end with it. A forked
// copy of this process begins with none.
class Zygotes {
  public:
    static Zygotes &of_this_process();

    // The one for that command, starting if need be after `delay`; null where that interpreter is
    // not to be forked, or zygotes of it have again and again been of no use.
    std::shared_ptr<Zygote> get(const ZygoteRecipe &recipe, Zygote::Time delay);
    // The same if it is there.
    std::shared_ptr<Zygote> known(const Words &argv);

  private:
    struct Place {
        std::shared_ptr<Zygote> zygote;
        int useless = 0; // so many in a row made no worker before something changed
    };

    explicit Zygotes(pid_t owner) : owner_(owner) {}

    pid_t owner_;
    std::mutex mutex_;
    std::map<Words, Place> places_;
};

} // namespace elsewhere::transport
