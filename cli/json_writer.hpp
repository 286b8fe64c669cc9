#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace elsewhere::cli {

// Builds one JSON text, front to back. Bytes that are no UTF-8 become lone surrogates as in
// Python's `surrogateescape`, so that os.fsencode() gives back every path and argument as it was;
// a general JSON library refuses or replaces them.
class JsonWriter {
  public:
    JsonWriter &begin_object() { return open('{'); }
    JsonWriter &end_object() { return close('}'); }
    JsonWriter &begin_list() { return open('['); }
    JsonWriter &end_list() { return close(']'); }
    JsonWriter &key(std::string_view name);
    JsonWriter &text(std::string_view value);
    JsonWriter &number(std::uint64_t value) { return literal(std::to_string(value)); }
    JsonWriter &number(double value);
    JsonWriter &boolean(bool value) { return literal(value ? "true" : "false"); }
    JsonWriter &null() { return literal("null"); }

    template <typename List> JsonWriter &texts(const List &list) {
        begin_list();
        for (const auto &item : list) text(item);
        return end_list();
    }

    [[nodiscard]] const std::string &str() const noexcept { return out_; }

  private:
    JsonWriter &open(char bracket);
    JsonWriter &close(char bracket);
    JsonWriter &literal(std::string_view value);
    void separate();
    void quote(std::string_view value);

    std::string out_;
    bool first_ = true; // nothing before it in the innermost bracket, or a key
};

} // namespace elsewhere::cli
