#pragma once

#include <string>
#include <unordered_map>
#include <unordered_set>

#include "core/base/error.hpp"

// For tests: suspends at every point, one after the other (docs/torture.md). A point is an instant
// at which CPython answers a signal. ELSEWHERE_TEST_POINTS="TIMES EVERY FILE" asks for it.
namespace elsewhere::bindings {

// Of one process. The file lists the points that were met, by this process or by earlier ones; each
// that it does not list is added, and every EVERY-th of those is where the program is to leave.
class Points {
  public:
    void read_environment(); // before the program has one of its own
    void begin();            // the program begins to run
    void end() { on_ = false; }
    [[nodiscard]] bool on() const { return on_; }
    // Here is one: is the program to leave?
    [[nodiscard]] bool leaves_here();
    void refused(const Error &error); // it was not possible at the last one
    // Would a signal that comes at once be answered here again, and so on for ever?
    [[nodiscard]] static bool are_held();

  private:
    bool on_ = false;
    int times_ = 0; // how often the program is to leave at the same place
    int every_ = 1;
    int passed_ = 0; // new ones since this process began
    std::string file_;
    std::string last_;
    std::unordered_set<std::string> listed_;
    std::unordered_map<std::string, int> met_; // in this process
};

} // namespace elsewhere::bindings
