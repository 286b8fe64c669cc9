#pragma once

#include <string>
#include <vector>

#include "engine/snapshot/file.hpp"
#include "engine/snapshot/object_index.hpp"

// What a person wants to know of a snapshot, read off its bytes: nothing is imported or executed.
namespace elsewhere::snapshot {

struct Variable {
    std::string name;
    std::string value; // short, as repr() might show it
};

struct FrameSummary {
    std::string function; // qualified name
    std::string file;
    std::uint32_t line = 0;
    std::vector<Variable> variables; // bound ones; of a module not what import, def, class made
    std::vector<Variable> stack;     // operands that wait, bottom first; named by their role
};

// Outermost frame first. Throws Error{damaged}.
std::vector<FrameSummary> describe_frames(const Bytes &frames, const ObjectIndex &objects);

// An object in about so many characters, two levels deep.
std::string describe(Reference reference, const ObjectIndex &objects, std::size_t width = 72);

} // namespace elsewhere::snapshot
