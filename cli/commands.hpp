#pragma once

#include <string>
#include <vector>

// The subcommands. Each gets the words behind its name, answers the exit code, and throws Error.
namespace elsewhere::cli {

using Words = std::vector<std::string>;

int run(const Words &words);
int suspend(const Words &words);
int resume(const Words &words);
int inspect(const Words &words);
int check(const Words &words);
int exec(const Words &words);
int doctor(const Words &words);
int serve(const Words &words);

} // namespace elsewhere::cli
