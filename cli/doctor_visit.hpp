#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "core/transport/diagnosis.hpp"
#include "core/transport/launch.hpp"

namespace elsewhere::cli {

// What `doctor` brings back from a place: what a Python there said of itself, or why none did.
struct Visit {
    std::optional<transport::Failure> failure;
    nlohmann::json facts; // if there is no failure: see the program in doctor_visit.cpp
    std::string junk;     // what came on stdout before
    std::string errors;   // what came on stderr
    double seconds = 0;
};

// Starts the Python of a validated spec as a gateway would, by the same finder, and waits for it at
// most `timeout`. SIGINT, SIGTERM and SIGHUP end the
// visit, then this process as they would have: an ssh that asks for a password first puts the
// terminal right.
[[nodiscard]] Visit visit(const transport::XSpec &spec, const transport::Origin &origin,
                          std::chrono::milliseconds timeout);

} // namespace elsewhere::cli
