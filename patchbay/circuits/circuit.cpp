#include "patchbay/circuits/circuit.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "patchbay/base/error.h"

namespace patchbay {
namespace {

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t at = text.find(separator);
    const std::string_view part = trimmed(text.substr(0, at));
    if (!part.empty()) parts.push_back(part);
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

Head parse_head(std::string_view text) {
  Head head;
  const char* const end = text.data() + text.size();
  const auto [dot, first] = std::from_chars(text.data(), end, head.layer);
  const bool joined = first == std::errc() && dot != end && *dot == '.';
  const auto [last, second] = std::from_chars(joined ? dot + 1 : end, end, head.head);
  if (!joined || second != std::errc() || last != end || head.layer < 0 || head.head < 0) {
    throw Error(ErrorKind::kUsage, "circuit",
                fmt::format("\"{}\" is not a head such as 9.6; a circuit is written \"name mover: "
                            "9.9 9.6 @ END; previous token: 2.2 @ S1+1\"",
                            text));
  }
  return head;
}

HeadClass parse_class(std::string_view text) {
  HeadClass result;
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos) {
    result.name = trimmed(text.substr(0, colon));
    text.remove_prefix(colon + 1);
  }
  const std::size_t at = text.find('@');
  for (const std::string_view head : split(text.substr(0, at), ' ')) {
    result.heads.push_back(parse_head(head));
  }
  if (result.heads.empty()) {
    throw Error(
        ErrorKind::kUsage, "circuit",
        fmt::format("the class \"{}\" has no heads; write them after the colon, such as 9.9 9.6",
                    result.name));
  }
  if (at == std::string_view::npos) return result;
  for (const std::string_view position : split(text.substr(at + 1), ' ')) {
    result.positions.emplace_back(position);
  }
  return result;
}

}  // namespace

std::string text_of(const Head& head) { return fmt::format("{}.{}", head.layer, head.head); }

Circuit parse_circuit(std::string_view text) {
  Circuit circuit;
  for (const std::string_view part : split(text, ';')) {
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
