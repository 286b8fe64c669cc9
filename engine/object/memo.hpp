#pragma once

#include <cstdint>
#include <vector>

#include "engine/cpython/ref.hpp"

namespace elsewhere::object {

// The objects met by a walk: address → id. Open addressing; every object in it is kept alive, so
// that no address is used twice. Entries move when one is added.
class Memo {
  public:
    struct Entry {
        PyObject *object = nullptr;
        std::uint32_t id = 0;   // 0: met, but nothing has been written for it yet
        std::uint32_t mark = 0; // the visit that it waits for (Walk::settle); 0: complete
    };

    Memo() : table_(1 << 12) {}
    Memo(const Memo &) = delete;
    Memo &operator=(const Memo &) = delete;
    ~Memo() {
        // Taken out first: a drop may run any code.
        std::vector<Entry> table = std::move(table_);
        for (Entry &entry : table) Py_XDECREF(entry.object);
    }

    [[nodiscard]] Entry *find(PyObject *object) noexcept {
        Entry &entry = table_[slot(object)];
        return entry.object == nullptr ? nullptr : &entry;
    }
    Entry &add(PyObject *object, std::uint32_t id, std::uint32_t mark) {
        if (used_ * 5 >= table_.size() * 3) grow();
        Entry &entry = table_[slot(object)];
        if (entry.object == nullptr) {
            ++used_;
            entry.object = Py_NewRef(object);
        }
        entry.id = id;
        entry.mark = mark;
        return entry;
    }

  private:
    [[nodiscard]] std::size_t slot(PyObject *object) const noexcept {
        const std::size_t mask = table_.size() - 1;
        std::size_t at = (reinterpret_cast<std::uintptr_t>(object) >> 4) * 0x9E3779B97F4A7C15u;
        at = (at >> 24) & mask;
        while (table_[at].object != nullptr && table_[at].object != object) at = (at + 1) & mask;
        return at;
    }
    void grow() {
        std::vector<Entry> old(table_.size() * 4);
        old.swap(table_);
        for (const Entry &entry : old)
            if (entry.object != nullptr) table_[slot(entry.object)] = entry;
    }

    std::vector<Entry> table_;
    std::size_t used_ = 0;
};

} // namespace elsewhere::object
