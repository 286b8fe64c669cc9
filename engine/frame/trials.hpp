#pragma once

#include <cstdint>
#include <vector>

#include "engine/frame/c_calls.hpp"
#include "engine/frame/code_map.hpp"
#include "engine/frame/containers.hpp"

// Objects of our own that die in each way that we know, tried out in the running interpreter: which
// C calls are waiting meanwhile. This is done once, when somebody asks.
namespace elsewhere::frame {

using Addresses = std::vector<std::uintptr_t>;

// What drops the last reference, and all that waits from there on.
struct Drop {
    int opcode;       // of the instruction that is in flight
    Addresses calls;  // behind those of the death itself
    bool value_taken; // of an assignment: what is assigned is no more on the stack
};

// A function that has returned drops its variables.
constexpr int entered_by_us = -1; // by enter_code (restore.hpp), which is the last of the calls
struct Leave {
    int opcode;               // of the call, where that is one of C's; 0, or `entered_by_us`
    Addresses shape;          // behind the calls of the death itself
    std::vector<Place> frame; // where its frame is, counted from there
};

// An instruction has come to its result, and drops an operand.
struct Yield {
    int opcode;
    Addresses shape;          // behind the calls of the death itself
    std::vector<Place> value; // where the result is, counted from there
};

struct Trials {
    std::vector<Addresses> deaths; // from the __del__ to what destroys the object
    std::vector<Drop> drops;
    std::vector<Leave> leaves;
    std::vector<Yield> yields;
    std::vector<Container> containers;
    Order variables = Order::unknown; // of a function that has returned
};

const Trials &trials();

// How many of the calls lead from the __del__ of the object to what destroys it; 0: none do.
std::size_t length_of_death(CCalls calls, PyObject *object);

// Which variable of the frame is the object, or -1. They may hold what is gone: only compared.
int place_in(ElwFrame *frame, const PyObject *object);

// The depth of the value stack once the instruction is over.
int depth_behind(const Instruction &instruction);

// An instruction that does nothing else may stand in many places of the eval loop.
bool cannot_fail(ElwOp op);

} // namespace elsewhere::frame
