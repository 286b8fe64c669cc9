#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace elsewhere::transport {

using Words = std::vector<std::string>;

// Splits as a shell does: blanks separate, '…' and "…" and \ keep them. No expansion of any kind.
// Throws Error{usage} if a quote is left open.
[[nodiscard]] Words split_words(std::string_view text);

// One word for a POSIX shell: as it is where that is safe, else in single quotes.
[[nodiscard]] std::string shell_quoted(std::string_view word);

// csh refuses a word of more than some thousand bytes ("Word too long.").
inline constexpr std::size_t longest_word = 900;

// Between single quotes it arrives as it is, whatever the shell.
[[nodiscard]] bool passes_any_shell(std::string_view text);

// Something that `sh` may do first, with these words as $1, $2 and so on, before it reads a longer
// program. The script and each word pass any shell, and are no longer than longest_word.
struct Shortcut {
    std::string script;
    Words words;
};

// `text` as a program for `sh`, wrapped so that any login shell passes it on unharmed: sh, bash,
// dash, zsh, csh, tcsh, fish. One line without ', !, \\ and bytes that are not ASCII outside of
// the quotes that each of these shells understands alike.
[[nodiscard]] std::string for_any_shell(std::string_view text, const Shortcut &first = {});

} // namespace elsewhere::transport
