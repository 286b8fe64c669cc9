#pragma once

#include <cstddef>
#include <string>

#include "core/base/fd.hpp"

namespace elsewhere::snapshot {

// A file that replaces the one at `path` whole or not at all. The bytes go to a hidden temporary
// file of mode 0600 in the same directory; commit() makes them durable and renames. Destroyed
// without commit() it leaves no trace. The temporary is held under an flock: one that can be
// locked belongs to a writer that was killed, and the next writer of the same path removes it.
// Every failure throws Error{unwritable} naming the path; an earlier file there is untouched.
class DurableFile {
  public:
    explicit DurableFile(std::string path);
    DurableFile(const DurableFile &) = delete;
    DurableFile &operator=(const DurableFile &) = delete;
    ~DurableFile();

    void write(const void *data, std::size_t size);
    void commit();

  private:
    DurableFile() = default; // delegated to, so that a failing constructor cleans up too
    void open_directory();
    void remove_abandoned() const;
    void open_temporary();

    std::string path_;      // as the caller names it, for messages
    std::string target_;    // name in the directory
    std::string prefix_;    // of every temporary of this target
    std::string temporary_; // empty: nothing to clean up
    Fd directory_;
    Fd file_;
};

} // namespace elsewhere::snapshot
