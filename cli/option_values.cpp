// The values of options, read from text with errors that name the option.
#include "cli/option_values.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>

#include "cli/output.h"
#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"

namespace patchbay::cli {

std::int64_t read_integer(std::string_view option, std::string_view text, std::int64_t least,
                          std::int64_t most) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc() && stop == end && !text.empty() && value >= least && value <= most) {
    return value;
  }
  throw Error(ErrorKind::kUsage, option,
              fmt::format("{} is not a whole number from {} to {}", quote(text), least, most));
}

std::uint64_t read_unsigned(std::string_view option, std::string_view text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc() && stop == end && !text.empty()) return value;
  throw Error(ErrorKind::kUsage, option,
              fmt::format("{} is not a whole number from 0 to {}", quote(text),
                          std::numeric_limits<std::uint64_t>::max()));
}

double read_seconds(std::string_view option, std::string_view text) {
  constexpr double kYear = 366.0 * 24 * 3600;
  double value = 0.0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  const std::string_view unit(stop, static_cast<std::size_t>(end - stop));
  const double factor = unit.empty() || unit == "s" ? 1.0
                        : unit == "m"               ? 60.0
                        : unit == "h"               ? 3600.0
                                                    : 0.0;
  if (error == std::errc() && value * factor > 0.0 && value * factor <= kYear)
    return value * factor;
  throw Error(
      ErrorKind::kUsage, option,
      fmt::format("{} is not a duration; write seconds, or minutes and hours such as 10m, 1.5h",
                  quote(text)));
}

Shard read_shard(std::string_view option, std::string_view text) {
  constexpr std::int64_t kMost = 100'000;
  const std::size_t slash = std::min(text.find('/'), text.size());
  if (slash == text.size()) {
    throw Error(
        ErrorKind::kUsage, option,
        fmt::format("{} is not a shard; write which one of how many, such as 2/5", quote(text)));
  }
  const std::int64_t count = read_integer(option, text.substr(slash + 1), 1, kMost);
  return {read_integer(option, text.substr(0, slash), 1, count) - 1, count};
}

std::vector<std::string> split_at_commas(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string_view part = text.substr(0, comma);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    parts.emplace_back(part);
    if (comma == text.size()) return parts;
    text.remove_prefix(comma + 1);
  }
}

std::int64_t read_bytes(std::string_view option, std::string_view text) {
  constexpr std::string_view kUnits = "KMG";
  int shift = 0;
  std::string_view digits = text;
  if (!digits.empty() && kUnits.find(digits.back()) != std::string_view::npos) {
    shift = 10 * (1 + static_cast<int>(kUnits.find(digits.back())));
    digits.remove_suffix(1);
  }
  constexpr std::int64_t kMost = std::int64_t{1} << 50;
  return read_integer(option, digits, 1, kMost >> shift) << shift;
}

std::vector<TokenId> read_token_ids(std::string_view option, std::string_view text) {
  std::vector<TokenId> ids;
  for (const std::string& part : split_at_commas(text)) {
    ids.push_back(
        static_cast<TokenId>(read_integer(option, part, 0, std::numeric_limits<TokenId>::max())));
  }
  return ids;
}

}  // namespace patchbay::cli
