#include "cli/words.hpp"

#include "core/base/error.hpp"

namespace elsewhere::cli {

Words split_words(const std::string &text) {
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
    if (quote != 0) throw Error(ErrorKind::usage, "a quote is left open in: " + text, "close it");
    if (inside) words.push_back(std::move(word));
    return words;
}

} // namespace elsewhere::cli
