#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "core/base/fd.hpp"
#include "core/wire/buffer.hpp"
#include "core/wire/value_writer.hpp"

namespace elsewhere::gateway {

// A stream each way through memory that two processes of one machine share (spec/wire.md, "Shared
// memory"): what one has written can be read by the other, also when the first has been killed.
// Which of them has ended, or sleeps and is to be woken ("the bell"), is for a pipe to say: one
// that both have, or, for the maker, one of the memory's own. What is written to must be all that
// one process writes, what is read all that it reads: one thread at a time each. The other process
// may write anything anywhere in the memory: it is read once, into memory of one's own, and an
// index that cannot be is an error.
class SharedStream {
  public:
    // Of each direction; and where a relay is in between, for which whoever waits for room or bytes
    // is to be woken less often.
    static constexpr std::size_t capacity = 256 * 1024, capacity_of_relays = 1024 * 1024;
    // As much is copied before the other end can read it.
    static constexpr std::size_t most_at_once = 32 * 1024;

    // The memory, empty; nullptr: there is none. `own_bell`: what is rung for its maker, a relay's
    // end.
    static std::unique_ptr<SharedStream> make(bool own_bell = false);
    // What another has made and described; nullptr if that is not to be had here.
    static std::unique_ptr<SharedStream> open(std::span<const std::uint8_t> description);
    ~SharedStream();
    SharedStream(const SharedStream &) = delete;
    SharedStream &operator=(const SharedStream &) = delete;

    // For open(), in another process, as long as close_file() was not called.
    [[nodiscard]] wire::Payload description() const;
    void close_file() noexcept { file_.reset(); }
    // -1: there is none of its own. For its maker, to poll for reading; for the other, to write to.
    [[nodiscard]] int bell() const noexcept { return bell_.get(); }

    // How much was copied; 0: there is no room. -1, EBADMSG: the other end broke the memory.
    ssize_t write(std::span<const iovec> from);
    // Much of it.
    [[nodiscard]] bool has_room() const noexcept { return room() >= capacity_ / 2; }
    // Nothing goes on before there is much room; the bell will tell. False: there is already.
    bool waits_for_room();
    // The bell is to be rung for the other end, which sleeps until then; says so once.
    [[nodiscard]] bool reader_sleeps() noexcept { return wants_bell(out_.reader); }

    [[nodiscard]] bool readable() const noexcept;
    // As write().
    ssize_t read(std::span<const iovec> to);
    // From now on the bell tells of what comes. False: something has come.
    bool sleeps() noexcept;
    void is_awake() noexcept;
    // The bell is to be rung for the other end, for which there is much room now; says so once.
    [[nodiscard]] bool writer_waits() noexcept;

  private:
    struct Index;
    struct Direction {
        Index *writer, *reader; // in the memory
        std::uint8_t *bytes;
        std::uint64_t at = 0; // where this process is
    };
    SharedStream(Fd file, std::uint8_t *memory, std::size_t capacity, bool maker);
    static bool wants_bell(Index *other) noexcept;
    [[nodiscard]] std::size_t room() const noexcept;

    Fd file_;
    Fd bell_, rung_; // for the maker both ends of a pipe, for the other the end to write to
    std::uint8_t *memory_;
    std::size_t capacity_;
    Direction in_, out_;
};

} // namespace elsewhere::gateway
