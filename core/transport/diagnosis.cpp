#include "core/transport/diagnosis.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "core/transport/finder.hpp"
#include "core/transport/launchers.hpp"
#include "core/transport/sign.hpp"

namespace elsewhere::transport {
namespace {

constexpr std::string_view blanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::string_view line_at(std::string_view text, std::size_t at) {
    const auto newline = text.rfind('\n', at);
    const auto begin = newline == std::string_view::npos ? 0 : newline + 1;
    return trimmed(text.substr(begin, text.find('\n', at) - begin));
}

std::string_view line_with(std::string_view text, std::string_view words) {
    const auto at = text.find(words);
    return at == std::string_view::npos ? std::string_view() : line_at(text, at);
}

// The last lines that say something, joined to one.
std::string last_words(std::string_view text, std::size_t lines = 3) {
    std::string words;
    for (text = trimmed(text); lines > 0 && !text.empty(); --lines) {
        const std::string_view line = line_at(text, text.size() - 1);
        words = std::string(line.substr(0, 300)) + (words.empty() ? "" : " / ") + words;
        const auto newline = text.rfind('\n');
        text = newline == std::string_view::npos ? std::string_view()
                                                 : trimmed(text.substr(0, newline));
    }
    return words;
}

std::string with(const std::string &before, const std::string &text) {
    return text.empty() ? std::string() : before + text;
}

using enum ErrorKind;

// The first that is found counts: what is more telling stands before what follows from it.
constexpr std::array<Sign, 23> signs_of_ssh = {{
    {"Could not resolve hostname", Stage::reach, unreachable, "the name HOST does not resolve",
     "check the spelling, or give the host a HostName in ~/.ssh/config"},
    {"Connection refused", Stage::reach, unreachable, "HOST refuses the connection",
     "is an SSH server running there, on this port?"},
    {"timed out", Stage::reach, unreachable, "HOST does not answer",
     "is it switched on, and does a firewall let you through?"},
    {"No route to host", Stage::reach, unreachable, "there is no way to HOST",
     "is it switched on, and on a network that can be reached from here?"},
    {"Network is unreachable", Stage::reach, unreachable, "the network of HOST cannot be reached",
     "is this machine on the network, or a VPN needed?"},
    {"Can't open user config file", Stage::reach, usage, "ssh has no such configuration",
     "ssh_config= names a file here"},
    {"Bad owner or permissions on", Stage::reach, usage, "ssh refuses its configuration",
     "chmod 600 that file"},
    {"Bad configuration option", Stage::reach, usage, "ssh does not read its configuration",
     "correct the option that it names"},
    {"terminating, ", Stage::reach, usage, "ssh does not read its configuration",
     "correct the option that it names"},
    {"unknown option --", Stage::reach, usage, "ssh does not know an option", "see `man ssh`"},
    {"illegal option --", Stage::reach, usage, "ssh does not know an option", "see `man ssh`"},
    {"host key is known for", Stage::login, untrusted, "the key of HOST is not known yet",
     "connect once by hand, compare the fingerprint, and say yes: ssh HOST"},
    {"Host key verification failed", Stage::login, untrusted, "the key of HOST is not known yet",
     "connect once by hand, compare the fingerprint, and say yes: ssh HOST"},
    {"UNPROTECTED PRIVATE KEY FILE", Stage::login, untrusted,
     "the private key for HOST can be read by others", "chmod 600 the key file"},
    {"Too many authentication failures", Stage::login, untrusted,
     "HOST refuses: too many keys were offered",
     "name the right one: ssh=-o IdentitiesOnly=yes -i KEY host"},
    {"Permission denied (", Stage::login, untrusted, "HOST refuses the login",
     "is the user name right, and is your key in authorized_keys there or in your agent?"},
    {"Unable to negotiate", Stage::login, unreachable, "no common cipher or key type with HOST",
     "one of the two OpenSSH versions is too old for the other"},
    {"kex_exchange_identification", Stage::reach, unreachable, "HOST closes the connection at once",
     "is it an SSH server, or has it too many connections?"},
    {"banner exchange", Stage::reach, unreachable, "HOST does not speak SSH",
     "is that the right port?"},
    {"Connection closed by", Stage::login, unreachable, "HOST closes the connection",
     "see the log of its SSH server"},
    {"Connection reset by", Stage::reach, unreachable, "HOST resets the connection",
     "see the log of its SSH server"},
    {"Broken pipe", Stage::boot, disconnected, "the connection to HOST was lost", "try again"},
    {"not responding", Stage::boot, disconnected, "the connection to HOST was lost", "try again"},
}};

constexpr std::array<Sign, 11> signs_of_host = {{
    {"No space left on device", Stage::boot, unwritable, "the disk of HOST is full",
     "make room there"},
    {"Disk quota exceeded", Stage::boot, unwritable, "your quota on HOST is used up",
     "make room there"},
    {"Read-only file system", Stage::boot, unwritable, "HOST cannot be written to",
     "give it a writable directory: env:TMPDIR=…"},
    {"account is currently not available", Stage::shell, untrusted,
     "the account on HOST has no shell", "log in as another user: ssh=user@host"},
    {"allows sftp connections only", Stage::shell, untrusted,
     "the account on HOST may only transfer files", "log in as another user: ssh=user@host"},
    {"is not recognized as an internal", Stage::shell, unsupported,
     "the login shell of HOST is no Unix shell", "Unix hosts are supported"},
    {"sh: command not found", Stage::shell, unsupported, "HOST has no sh",
     "a POSIX shell is needed there"},
    {"failed to get the Python codec", Stage::boot, unsupported,
     "the Python on HOST does not start", "name another one: python=…"},
    {"No module named 'encodings'", Stage::boot, unsupported, "the Python on HOST does not start",
     "is PYTHONHOME set there? or name another one: python=…"},
    {"Cannot allocate memory", Stage::boot, ErrorKind::remote, "HOST is out of memory",
     "end something there"},
    {"MemoryError", Stage::boot, ErrorKind::remote, "HOST is out of memory", "end something there"},
}};

std::string filled(std::string text, const std::string &host) {
    if (const auto at = text.find("HOST"); at != std::string::npos)
        text.replace(at, std::strlen("HOST"), host);
    return text;
}

template <typename Signs>
std::optional<Failure> by_sign(const Signs &signs, const std::string &host, std::string_view errors,
                               std::string_view junk = {}) {
    for (const Sign &sign : signs)
        for (const std::string_view text : {errors, junk}) {
            const std::string_view line = line_with(text, sign.words);
            if (line.empty()) continue;
            const std::string message = filled(sign.what, host) + ": " + std::string(line);
            return Failure{sign.stage, Error(sign.kind, message, filled(sign.hint, host))};
        }
    return std::nullopt;
}

// ssh prints "Offending ED25519 key in FILE:LINE", then the command that removes it.
Failure changed_key(const std::string &host, std::string_view errors) {
    std::string_view where = line_with(errors, "Offending ");
    if (const auto at = where.find(" in "); at != std::string_view::npos)
        where.remove_prefix(at + 4);
    const std::string_view remove = line_with(errors, "ssh-keygen -f");
    std::string hint = "if you know why (a reinstalled machine), forget the old key: ";
    hint += remove.empty() ? "ssh-keygen -R '" + host + "'" : std::string(remove);
    return {Stage::login,
            Error(ErrorKind::untrusted,
                  "the key of " + host + " has changed: somebody may be listening in" +
                      with("; the old one is in ", std::string(where)),
                  std::move(hint))};
}

Failure finder_failed(const XSpec &spec, const std::string &host, int code,
                      std::string_view errors) {
    const auto at = errors.rfind(finder_says);
    // A login shell may have left a text without an end of line before it.
    const std::string_view line = line_at(errors.substr(at + std::strlen(finder_says)), 0);
    if (code == before_failed) {
        const std::string output = last_words(errors.substr(0, at));
        return {Stage::before,
                Error(ErrorKind::remote,
                      "`before=" + spec.get("before").value_or("") + "` failed on " + host + ": " +
                          std::string(line.substr(line.find("ended"))) + with(": ", output),
                      "try it there by hand, in a login shell of bash")};
    }
    // "no Python >=3.14 here; found: 3.11.7 /usr/bin/python3,"
    std::string text(line.substr(0, line.find_last_not_of(", ") + 1));
    if (const auto here = text.find(" here;"); here != std::string::npos) text.erase(here, 5);
    if (const auto semicolon = text.find(';'); semicolon != std::string::npos)
        text.insert(semicolon, " on " + host);
    return {Stage::python, Error(ErrorKind::unsupported, text,
                                 "name one of those, or another place: python=/path/to/python")};
}

} // namespace

std::string_view name(Stage stage) noexcept {
    constexpr std::array<std::string_view, 6> names = {"reach",  "login",  "shell",
                                                       "before", "python", "boot"};
    return names[static_cast<std::size_t>(stage)];
}

std::string without_announcement(std::string_view junk) {
    std::string text(junk);
    if (const auto at = text.find(finder_found); at != std::string::npos) text.erase(at, 1);
    return text;
}

Failure why_it_failed(const XSpec &spec, std::optional<Exit> exit, std::string_view errors,
                      std::string_view all_junk) {
    const std::string host = place(spec);
    const bool found = all_junk.find(finder_found) != std::string_view::npos;
    const std::string junk = without_announcement(all_junk);
    const std::string printed = last_words(junk);
    const std::string said = last_words(errors);
    const bool by_ssh = spec.has("ssh");
    if (!exit)
        return {
            junk.empty() ? Stage::reach : Stage::boot,
            Error(ErrorKind::timeout,
                  host + " did not answer in time" + with(": ", said) +
                      with("; it printed: ", printed),
                  by_ssh ? "wait longer, or see where it hangs: ssh -v " + host : "wait longer")};

    const bool has_line = errors.find(finder_says) != std::string_view::npos;
    if (has_line && (exit->code == no_python_fits || exit->code == before_failed))
        return finder_failed(spec, host, exit->code, errors);
    if (by_ssh && (exit->code == 255 || exit->signal != 0)) {
        if (errors.find("REMOTE HOST IDENTIFICATION HAS CHANGED") != std::string_view::npos)
            return changed_key(host, errors);
        if (auto failure = by_sign(signs_of_ssh, host, errors)) return *failure;
    }
    if (exit->code != 0 || exit->signal != 0)
        if (auto failure = by_sign(signs_of(launcher_of(spec).way), host, errors)) return *failure;
    if (auto failure = by_sign(signs_of_host, host, errors, junk)) return *failure;
    if (exit->code == 127 || exit->code == 126)
        return {Stage::python,
                Error(ErrorKind::unsupported,
                      "no Python could be started on " + host + with(": ", said),
                      "name one that is there: python=/path/to/python, or python=3.12")};
    if (by_ssh && exit->code == 255 && found)
        return {Stage::boot,
                Error(ErrorKind::disconnected,
                      "the Python on " + host +
                          " was killed, or the connection to it lost, before it said hello" +
                          with(": ", said) + with("; it printed: ", printed),
                      "try again")};
    if (by_ssh && exit->code == 255 && !junk.empty())
        return {Stage::shell,
                Error(ErrorKind::disconnected,
                      "the connection to " + host + " was lost before a Python began" +
                          with(": ", said) + with("; it printed: ", printed),
                      "try again, or by hand: ssh " + host)};
    if (by_ssh && exit->code == 255)
        return {Stage::reach,
                Error(ErrorKind::unreachable, "ssh could not reach " + host + with(": ", said),
                      "try by hand: ssh " + host)};
    const std::string how = exit->signal != 0
                                ? "was killed by signal " + std::to_string(exit->signal)
                            : exit->known ? "ended with exit code " + std::to_string(exit->code)
                                          : "ended";
    if (exit->signal == 0 && said.empty() && by_ssh)
        return {Stage::shell,
                Error(ErrorKind::remote,
                      "the login shell of " + host + " " + how + " and started no Python" +
                          with("; it printed: ", printed),
                      "look at what its start-up files do (.bashrc, .profile, .cshrc)")};
    return {Stage::boot,
            Error(by_ssh && exit->signal != 0 ? ErrorKind::disconnected : ErrorKind::remote,
                  "the Python on " + host + " " + how + " before it said hello" + with(": ", said) +
                      with("; it printed: ", printed),
                  "does this Python start by hand?")};
}

} // namespace elsewhere::transport
