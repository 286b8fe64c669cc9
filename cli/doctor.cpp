#include <chrono>
#include <cstdio>
#include <vector>

#include "cli/doctor_visit.hpp"
#include "cli/duration.hpp"
#include "cli/interpreter.hpp"
#include "cli/options.hpp"
#include "cli/package.hpp"
#include "cli/signals.hpp"
#include "cli/utf8.hpp"
#include "core/transport/launch.hpp"

namespace elsewhere::cli {
namespace {

using transport::Failure;
using transport::Stage;
using transport::XSpec;

// One line of the report. What lies behind a failed stage was not tried.
struct Finding {
    enum class State { ok, failed, not_tried, lacking };
    std::string stage;
    State state = State::not_tried;
    std::string text = {};
};

const char *word(Finding::State state) {
    switch (state) {
    case Finding::State::ok: return "ok";
    case Finding::State::failed: return "failed";
    case Finding::State::not_tried: return "not tried";
    case Finding::State::lacking: return "no";
    }
    return "";
}

std::string fact(const nlohmann::json &facts, const char *key) {
    const auto found = facts.find(key);
    return found != facts.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string one_line(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    return text.size() > 200 ? text.substr(0, 200) + "…" : text;
}

std::string about(Stage stage, const XSpec &spec, const Visit &visit) {
    const nlohmann::json &facts = visit.facts;
    switch (stage) {
    case Stage::reach: return spec.has("ssh") ? fact(facts, "address") : transport::place(spec);
    case Stage::login: return fact(facts, "user") + " on " + fact(facts, "hostname");
    case Stage::shell:
        return fact(facts, "shell") +
               (visit.junk.empty() ? "" : ", prints on stdout: " + one_line(visit.junk));
    case Stage::before: return spec.get("before").value_or("");
    case Stage::python: return fact(facts, "executable");
    case Stage::boot:
        return fact(facts, "implementation") + " " + fact(facts, "version") + ", " +
               fact(facts, "platform") + " " + fact(facts, "machine") + ", " + fact(facts, "libc");
    }
    return "";
}

// Without a fit a gateway still works, in pure Python.
Finding engine_fit(const Visit &visit) {
    Finding finding{.stage = "engine"};
    if (visit.failure) return finding;
    const Package package = Package::locate();
    const std::string tag = fact(visit.facts, "tag");
    const bool fits = package.has_engine(tag);
    finding.state = fits ? Finding::State::ok : Finding::State::lacking;
    const std::string engines = package.versions();
    finding.text = fits ? tag
                        : "gateways work there, teleport does not; engines here: " +
                              (engines.empty() ? "none" : engines);
    return finding;
}

// By this user, on this system.
bool starts_here(const XSpec &spec) {
    return spec.has("popen") || spec.has("bwrap") || spec.has("cmd");
}

std::vector<Finding> findings_of(const XSpec &spec, const Visit &visit) {
    std::vector<Finding> findings;
    for (const Stage stage :
         {Stage::reach, Stage::login, Stage::shell, Stage::before, Stage::python, Stage::boot}) {
        // Without a login or a shell of its own, a way has that stage only where it fails.
        const bool is_there = stage >= Stage::before || spec.has("ssh") ||
                              (stage != Stage::shell && !starts_here(spec));
        if (!is_there && !(visit.failure && visit.failure->stage == stage)) continue;
        if (stage == Stage::before && !spec.has("before")) continue;
        // What a Python that starts is worth asking for.
        Finding finding{.stage = stage == Stage::boot ? "versions"
                                                      : std::string(transport::name(stage))};
        if (!visit.failure)
            finding = {finding.stage, Finding::State::ok, about(stage, spec, visit)};
        else if (stage == visit.failure->stage)
            finding.state = Finding::State::failed;
        else if (stage < visit.failure->stage)
            finding.state = Finding::State::ok;
        findings.push_back(finding);
    }
    findings.push_back(engine_fit(visit));
    return findings;
}

void print_text(const std::vector<Finding> &findings) {
    for (const Finding &finding : findings) {
        const std::string text = printable(finding.text);
        std::printf("%-9s %s%s%s\n", finding.stage.c_str(), word(finding.state),
                    text.empty() ? "" : ": ", text.c_str());
    }
}

void print_json(const XSpec &spec, const Visit &visit, const std::vector<Finding> &findings) {
    nlohmann::ordered_json report;
    report["spec"] = spec.text();
    report["place"] = transport::place(spec);
    report["ok"] = !visit.failure.has_value();
    report["seconds"] = visit.seconds;
    report["stages"] = nlohmann::ordered_json::array();
    for (const Finding &finding : findings)
        report["stages"].push_back(
            {{"stage", finding.stage}, {"state", word(finding.state)}, {"text", finding.text}});
    report["python"] = visit.failure ? nlohmann::json() : visit.facts;
    report["junk"] = visit.junk;
    report["stderr"] = visit.errors;
    if (visit.failure) {
        const Error &error = visit.failure->error;
        report["error"] = error.message();
        report["hint"] = error.hint();
        report["kind"] = std::string(name(error.kind()));
        report["exit_code"] = exit_code(error.kind());
    }
    std::puts(report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

} // namespace

int doctor(const Words &words) {
    release_signals();
    bool as_json = false;
    double seconds = 60;
    const Options options(
        "doctor", "[--json] [--timeout T] SPEC",
        "Goes where the spec says, as a gateway would, and tells how far it came: reach, login,\n"
        "shell, before, python, versions, engine.",
        {{.name = "json",
          .help = "as one JSON object",
          .apply = [&](const std::string &) { as_json = true; }},
         {.name = "timeout",
          .value = "T",
          .help = "give up after this long (60s)",
          .apply = [&](const std::string &value) {
              const auto given = parse_duration(value);
              if (!given)
                  throw Error(ErrorKind::usage, "not a duration: " + value, "for example 10s");
              seconds = *given;
          }}});
    const auto text = options.parse_one(words, "spec");
    if (!text) return 0;
    const XSpec spec(*text);
    transport::validate(spec);

    const bool takes_ours =
        (spec.has("popen") || spec.has("bwrap")) && !spec.has("python") && !spec.has("before");
    const std::string python =
        takes_ours ? find_interpreter("", Package::locate()).command.front() : "";
    const auto timeout =
        std::chrono::milliseconds(static_cast<long>(std::min(seconds, 1e6) * 1000));
    const bool dials = spec.has("socket") || spec.has("unix");
    Words dialer;
    if (dials) {
        const Package package = Package::locate();
        dialer = find_interpreter("", package).command;
        dialer.insert(dialer.end(), {"-c", package.call("elsewhere._socket.dialer")});
    }
    const Visit found = visit(spec, {python, transport::terminal_is_here(), dialer}, timeout);
    const std::vector<Finding> findings = findings_of(spec, found);
    if (as_json)
        print_json(spec, found, findings);
    else
        print_text(findings);
    std::fflush(stdout);
    if (found.failure) throw found.failure->error;
    return 0;
}

} // namespace elsewhere::cli
