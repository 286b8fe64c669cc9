#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace elsewhere::transport {

// One `key=value` of a spec. A key without `=` is a flag, true in Python.
struct Attribute {
    std::string key;
    std::string value;
    bool flag = false;

    friend bool operator==(const Attribute &, const Attribute &) = default;
};

// Where and how to get a Python: `key=value//key=value`, as in execnet. Knows the form, not the
// keys: unknown ones are kept, `validate` refuses them. The text it was made from is its identity,
// also after `set`. A value; free of threads. Throws Error{usage}: an empty key, one that begins
// with `_`, one that is given twice.
class XSpec {
  public:
    explicit XSpec(std::string text);

    [[nodiscard]] const std::string &text() const noexcept { return text_; }
    // Without the `env:` ones, in the order written.
    [[nodiscard]] const std::vector<Attribute> &attributes() const noexcept { return attributes_; }
    // `env:NAME=value`, key without the `env:`.
    [[nodiscard]] const std::vector<Attribute> &environment() const noexcept {
        return environment_;
    }
    [[nodiscard]] const Attribute *find(std::string_view key) const noexcept;
    [[nodiscard]] bool has(std::string_view key) const noexcept { return find(key) != nullptr; }
    // The value, empty for a flag; nothing if it is not there.
    [[nodiscard]] std::optional<std::string> get(std::string_view key) const;
    // For ids that are given later; `text` stays.
    void set(std::string_view key, std::string value);

    friend bool operator==(const XSpec &a, const XSpec &b) noexcept { return a.text_ == b.text_; }

  private:
    std::string text_;
    std::vector<Attribute> attributes_;
    std::vector<Attribute> environment_;
};

// Refuses what this version cannot do: Error{usage} for an unknown key (with the nearest known one
// as a hint), none or more than one way to get there, a value of the wrong form;
// Error{unsupported} for ways that are known but not there yet.
void validate(const XSpec &spec);
[[nodiscard]] bool is_known_key(std::string_view key) noexcept;

} // namespace elsewhere::transport
