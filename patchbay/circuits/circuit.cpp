#include "patchbay/circuits/circuit.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "patchbay/base/error.h"
#include "patchbay/base/words.h"

namespace patchbay {
namespace {

Head head_of(std::string_view text) {
  const std::optional<Head> head = parse_head(text);
  if (head) return *head;
  throw Error(ErrorKind::kUsage, "circuit",
              fmt::format("\"{}\" is not a head such as 9.6{}; a circuit is written \"name mover: "
                          "9.9 9.6 @ END; previous token: 2.2 @ S1+1\"",
                          text, near_head(text)));
}

// Without the empty ones.
std::vector<std::string_view> words_of(std::string_view text, char separator) {
  std::vector<std::string_view> words = split(text, separator);
  std::erase(words, std::string_view());
  return words;
}

HeadClass parse_class(std::string_view text) {
  HeadClass result;
  const std::size_t colon = text.substr(0, text.find('@')).find(':');  // "S2:first" has one too
  if (colon != std::string_view::npos) {
    result.name = trimmed(text.substr(0, colon));
    text.remove_prefix(colon + 1);
  }
  const std::size_t at = text.find('@');
  for (const std::string_view head : words_of(text.substr(0, at), ' ')) {
    result.heads.push_back(head_of(head));
  }
  if (result.heads.empty()) {
    throw Error(
        ErrorKind::kUsage, "circuit",
        fmt::format("the class \"{}\" has no heads; write them after the colon, such as 9.9 9.6",
                    result.name));
  }
  if (at == std::string_view::npos) return result;
  for (const std::string_view position : words_of(text.substr(at + 1), ' ')) {
    result.positions.emplace_back(position);
  }
  return result;
}

}  // namespace

std::optional<Head> parse_head(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto layer = parse_number<int>(text.substr(0, dot));
  const auto head = parse_number<std::int64_t>(text.substr(dot + 1));
  if (!layer || !head || *layer < 0 || *head < 0) return std::nullopt;
  return Head{*layer, *head};
}

std::string near_head(std::string_view text) {
  // Digits apart from what may stand between and before them: "L9H6", "9,6", "a9.h6", "9:6".
  constexpr std::string_view kBetween = "lLhHaA.,:/_ ";
  std::vector<std::string> numbers;
  bool inside = false;
  for (const char c : text) {
    const bool is_digit = c >= '0' && c <= '9';
    if (!is_digit && kBetween.find(c) == std::string_view::npos) return "";
    if (is_digit && !inside) numbers.emplace_back();
    if (is_digit) numbers.back() += c;
    inside = is_digit;
  }
  if (numbers.empty() || numbers.size() % 2 != 0) return "";
  std::string heads;
  for (std::size_t i = 0; i < numbers.size(); i += 2) {
    heads += fmt::format("{}{}.{}", i == 0 ? "" : " ", numbers[i], numbers[i + 1]);
  }
  return fmt::format("; did you mean \"{}\"?", heads);
}

std::string text_of(const Head& head) { return fmt::format("{}.{}", head.layer, head.head); }

Circuit parse_circuit(std::string_view text) {
  Circuit circuit;
  for (const std::string_view part : words_of(text, ';')) {
    circuit.classes.push_back(parse_class(part));
    HeadClass& added = circuit.classes.back();
    if (added.name.empty()) added.name = fmt::format("class {}", circuit.classes.size());
  }
  if (circuit.classes.empty()) {
    throw Error(ErrorKind::kUsage, "circuit",
                "a circuit needs at least one head; write \"9.9 9.6 @ END\"");
  }
  return circuit;
}

std::string text_of(const Circuit& circuit) {
  std::string text;
  for (const HeadClass& one : circuit.classes) {
    text += fmt::format("{}{}:", text.empty() ? "" : "; ", one.name);
    for (const Head& head : one.heads) text += " " + text_of(head);
    if (!one.positions.empty()) text += fmt::format(" @ {}", fmt::join(one.positions, " "));
  }
  return text;
}

}  // namespace patchbay
