#include "cli/given.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "patchbay/base/error.h"
#include "patchbay/base/visible_text.h"
#include "patchbay/base/words.h"

namespace patchbay::cli {
namespace {

[[noreturn]] void no_number(std::string_view option, std::string_view text,
                            std::string_view range) {
  throw Error(ErrorKind::kUsage, option,
              fmt::format("{} is not a whole number from {}", quoted_text(text), range));
}

}  // namespace

std::int64_t read_integer(std::string_view option, std::string_view text, std::int64_t least,
                          std::int64_t most) {
  const auto value = parse_number<std::int64_t>(text);
  if (!value || *value < least || *value > most) {
    no_number(option, text, fmt::format("{} to {}", least, most));
  }
  return *value;
}

std::vector<std::string> split_at_commas(std::string_view text) {
  const std::vector<std::string_view> parts = split(text, ',');
  return {parts.begin(), parts.end()};
}

std::optional<std::string> Given::one(const std::string& name) const {
  const std::vector<std::string>& words = all(name);
  if (words.size() > 1) fail(fmt::format("{} is given {} times", name, words.size()));
  return words.empty() ? std::nullopt : std::optional(words.front());
}

std::string Given::required(const std::string& name, std::string_view missing) const {
  const auto word = one(name);
  if (!word) fail(missing);
  return *word;
}

std::vector<std::string> Given::list(const std::string& name) const {
  std::vector<std::string> parts;
  for (const std::string& word : all(name)) {
    for (std::string& part : split_at_commas(word)) parts.push_back(std::move(part));
  }
  return parts;
}

std::optional<std::int64_t> Given::integer(const std::string& name, std::int64_t least,
                                           std::int64_t most) const {
  const auto word = one(name);
  return word ? std::optional(read_integer(name, *word, least, most)) : std::nullopt;
}

std::optional<std::uint64_t> Given::unsigned_integer(const std::string& name) const {
  const auto word = one(name);
  if (!word) return std::nullopt;
  const auto value = parse_number<std::uint64_t>(*word);
  if (!value) {
    no_number(name, *word, fmt::format("0 to {}", std::numeric_limits<std::uint64_t>::max()));
  }
  return value;
}

std::optional<std::int64_t> Given::bytes(const std::string& name) const {
  constexpr std::string_view kUnits = "KMG";
  constexpr std::int64_t kMost = std::int64_t{1} << 50;
  const auto word = one(name);
  if (!word) return std::nullopt;
  std::string_view digits = *word;
  int shift = 0;
  if (!digits.empty() && kUnits.find(digits.back()) != std::string_view::npos) {
    shift = 10 * (1 + static_cast<int>(kUnits.find(digits.back())));
    digits.remove_suffix(1);
  }
  return read_integer(name, digits, 1, kMost >> shift) << shift;
}

std::optional<double> Given::seconds(const std::string& name) const {
  constexpr double kYear = 366.0 * 24 * 3600;
  const auto word = one(name);
  if (!word) return std::nullopt;
  std::string_view digits = *word;
  double factor = 1.0;
  if (digits.ends_with('m')) factor = 60.0;
  if (digits.ends_with('h')) factor = 3600.0;
  if (factor > 1.0 || digits.ends_with('s')) digits.remove_suffix(1);
  const double value = factor * parse_number<double>(digits).value_or(0.0);
  if (value > 0.0 && value <= kYear) return value;
  throw Error(
      ErrorKind::kUsage, name,
      fmt::format("{} is not a duration; write seconds, or minutes and hours such as 10m, 1.5h",
                  quoted_text(*word)));
}

void Given::fail(std::string_view what) const {
  throw Error(ErrorKind::kUsage, command_,
              fmt::format("{}; {} --help shows examples", what, command_));
}

}  // namespace patchbay::cli
