#include "core/transport/words.hpp"

#include <algorithm>
#include <cstdio>

#include "core/base/error.hpp"

namespace elsewhere::transport {
namespace {

bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_./:=@%+,").find(c) != std::string_view::npos;
}

// In '…', fish reads \\ and \', csh reads ! and ends at a newline; printf reads % and \.
bool needs_octal(char c) {
    return c < ' ' || c > '~' || c == '\'' || c == '!' || c == '\\' || c == '%';
}

} // namespace

Words split_words(std::string_view text) {
    Words words;
    std::string word;
    bool inside = false; // of a word, which may be empty: ''
    char quote = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const bool escapes = c == '\\' && quote != '\'' && i + 1 < text.size() &&
                             (quote == 0 || text[i + 1] == '"' || text[i + 1] == '\\');
        if (escapes) {
            word += text[++i];
            inside = true;
        } else if (quote != 0) {
            if (c == quote)
                quote = 0;
            else
                word += c;
        } else if (c == '\'' || c == '"') {
            quote = c;
            inside = true;
        } else if (c == ' ' || c == '\t' || c == '\n') {
            if (inside) words.push_back(std::move(word));
            word.clear();
            inside = false;
        } else {
            word += c;
            inside = true;
        }
    }
    if (quote != 0)
        throw Error(ErrorKind::usage, "a quote is left open in: " + std::string(text), "close it");
    if (inside) words.push_back(std::move(word));
    return words;
}

std::string shell_quoted(std::string_view word) {
    if (!word.empty() && std::ranges::all_of(word, is_plain)) return std::string(word);
    std::string text = "'";
    for (const char c : word)
        if (c == '\'')
            text += "'\\''";
        else
            text += c;
    return text + "'";
}

bool passes_any_shell(std::string_view text) { return std::ranges::none_of(text, needs_octal); }

std::string for_any_shell(std::string_view text, const Shortcut &first) {
    std::string command = "exec sh -c '" + first.script;
    if (!first.words.empty()) command += "shift " + std::to_string(first.words.size()) + "; ";
    // The pieces are joined by "$*" with an empty IFS, which the program then has unset again.
    command += "IFS=; eval \"unset IFS;$(printf \"$*\")\"' elsewhere '";
    for (const std::string &word : first.words) command += word + "' '";
    std::size_t length = 0;
    for (const char c : text) {
        char octal[5];
        std::snprintf(octal, sizeof octal, "\\%03o", static_cast<unsigned char>(c));
        const std::string_view written =
            needs_octal(c) ? std::string_view(octal) : std::string_view(&c, 1);
        if (length + written.size() > longest_word) {
            command += "' '";
            length = 0;
        }
        command += written;
        length += written.size();
    }
    return command + "'";
}

} // namespace elsewhere::transport
