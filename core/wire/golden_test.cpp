#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "core/base/bytes.hpp"
#include "core/wire/packet.hpp"
#include "core/wire/value.hpp"

namespace elsewhere::wire {
namespace {

// A row of the vectors: what it means, or its numbers, and its bytes.
struct Row {
    std::string meaning;
    std::vector<std::uint32_t> numbers;
    Bytes bytes;
};

// Reads as much of JSON as spec/vectors/ uses: an object of lists of pairs.
class Vectors {
  public:
    explicit Vectors(const char *name) {
        std::ifstream in(std::string(ELSEWHERE_SPEC_DIR "/vectors/") + name);
        text_.assign(std::istreambuf_iterator<char>(in), {});
    }
    std::vector<Row> rows(const std::string &key) {
        at_ = text_.find("\"" + key + "\": [");
        EXPECT_NE(at_, std::string::npos) << key;
        at_ = text_.find('[', at_) + 1;
        std::vector<Row> rows;
        while (skip() != ']') {
            ++at_; // [
            Row row;
            if (skip() == '"')
                row.meaning = string();
            else
                row.numbers = numbers();
            skip();
            const std::string hex = string();
            for (std::size_t i = 0; i < hex.size(); i += 2)
                row.bytes.push_back(
                    static_cast<std::uint8_t>(std::stoul(hex.substr(i, 2), nullptr, 16)));
            at_ = text_.find(']', at_) + 1;
            rows.push_back(std::move(row));
        }
        return rows;
    }

  private:
    char skip() {
        at_ = text_.find_first_not_of(" \n,", at_);
        return text_[at_];
    }
    std::string string() {
        std::string made;
        for (++at_; text_[at_] != '"'; ++at_) {
            if (text_[at_] == '\\') ++at_;
            made += text_[at_];
        }
        ++at_;
        return made;
    }
    std::vector<std::uint32_t> numbers() {
        std::vector<std::uint32_t> made;
        for (++at_; skip() != ']';) {
            std::size_t size = 0;
            made.push_back(static_cast<std::uint32_t>(std::stoul(text_.substr(at_, 12), &size)));
            at_ += size;
        }
        ++at_;
        return made;
    }
    std::string text_;
    std::size_t at_ = 0;
};

std::string expression(const Value &value) {
    const std::string shown = show(value);
    if (shown == "nan" || shown == "inf") return "float('" + shown + "')";
    return shown == "-inf" ? "-float('inf')" : shown;
}

Bytes bytes_of(const Payload &payload) {
    const Buffer joined = payload.joined();
    return {joined.data(), joined.data() + joined.size()};
}

TEST(GoldenValues, read_as_python_reads_them_and_are_written_as_python_writes_them) {
    const auto rows = Vectors("values.json").rows("both");
    EXPECT_GT(rows.size(), 50u);
    for (const Row &row : rows) {
        const Value value = decode(row.bytes, false).value();
        EXPECT_EQ(expression(value), row.meaning);
        EXPECT_EQ(bytes_of(encode(value)), row.bytes) << row.meaning;
    }
}

TEST(GoldenValues, of_python_2_are_read) {
    for (const Row &row : Vectors("values.json").rows("read"))
        EXPECT_EQ(expression(decode(row.bytes, false).value()), row.meaning);
}

TEST(GoldenValues, with_extended_tags_are_read_where_the_flag_allows) {
    for (const Row &row : Vectors("values.json").rows("extended")) {
        EXPECT_EQ(show(decode(row.bytes, true).value()), row.meaning);
        EXPECT_FALSE(decode(row.bytes, false).ok()) << row.meaning;
    }
}

TEST(GoldenValues, that_are_none_are_refused_as_a_breach_of_protocol) {
    for (const Row &row : Vectors("values.json").rows("refused")) {
        const Result<Value> result = decode(row.bytes, false);
        ASSERT_FALSE(result.ok()) << row.meaning;
        EXPECT_EQ(result.error().kind(), ErrorKind::protocol) << row.meaning;
    }
}

TEST(GoldenValues, cut_anywhere_are_refused) {
    for (const Row &row : Vectors("values.json").rows("both"))
        for (std::size_t size = 0; size < row.bytes.size(); ++size)
            EXPECT_FALSE(decode(std::span(row.bytes).first(size), false).ok())
                << row.meaning << " cut to " << size;
}

TEST(GoldenPackets, have_their_headers_read_and_written) {
    for (const Row &row : Vectors("packets.json").rows("good")) {
        const auto &n = row.numbers;
        const Header header{n[0],
                            static_cast<Kind>(n[1]),
                            static_cast<std::uint8_t>(n[2]),
                            static_cast<std::uint16_t>(n[3]),
                            n[4],
                            n[5]};
        const auto from = std::span(row.bytes).first<header_size>();
        EXPECT_EQ(decode(std::span<const std::uint8_t, header_size>(from)).value(), header);
        Bytes written(header_size);
        encode(header, written.data());
        EXPECT_EQ(written, row.bytes);
    }
}

TEST(GoldenPackets, that_break_a_rule_are_refused) {
    for (const Row &row : Vectors("packets.json").rows("refused")) {
        const std::span<const std::uint8_t> from(row.bytes);
        const Result<Header> result = decode(from.first<header_size>());
        ASSERT_FALSE(result.ok()) << row.meaning;
        EXPECT_EQ(result.error().kind(), ErrorKind::protocol);
    }
}

} // namespace
} // namespace elsewhere::wire
