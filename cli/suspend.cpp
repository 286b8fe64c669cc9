#include <cstdio>
#include <filesystem>

#include "cli/options.hpp"
#include "cli/process.hpp"
#include "cli/request.hpp"
#include "cli/signals.hpp"

namespace elsewhere::cli {

int suspend(const Words &words) {
    release_signals();
    std::string file;
    const Options options("suspend", "[-o FILE] PID",
                          "Writes the program to a file, whose name is printed, and ends it with\n"
                          "exit code 75. If that cannot be done, the program goes on.",
                          {{.name = "output",
                            .letter = 'o',
                            .value = "FILE",
                            .help = "where to; else as the program was told by --snapshot",
                            .apply = [&](const std::string &value) { file = value; }}});
    const auto pid = options.parse_one(words, "process");
    if (!pid) return 0;
    const Process process(*pid);
    const Request request(process);
    request.suspend(file.empty() ? file : std::filesystem::absolute(file).string());
    const auto answer = request.answer();
    if (!answer)
        throw Error(ErrorKind::remote, "process " + *pid + " ended before it could be suspended",
                    "nothing is left to suspend");
    if (!is_ok(*answer)) return complain_of(*answer);
    // Whoever resumes the file next must not meet the program still alive.
    request.wait_for_end();
    std::puts(text_in(*answer, "file").c_str());
    return 0;
}

} // namespace elsewhere::cli
