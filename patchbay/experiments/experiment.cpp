#include "patchbay/experiments/experiment.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"

namespace patchbay::experiments {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

[[noreturn]] void refuse(std::string_view name, std::string_view text, const std::string& wanted) {
  throw Error(ErrorKind::kUsage, fmt::format("--{}", name),
              fmt::format("\"{}\" is not {}", text, wanted));
}

template <class Number>
std::optional<Number> parse(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::vector<std::string> parse_list(std::string_view text, std::string_view option) {
  std::vector<std::string> parts;
  std::string_view rest = text;
  while (!trimmed(rest).empty()) {
    const auto comma = rest.find(',');
    const std::string_view part = trimmed(rest.substr(0, comma));
    if (part.empty()) refuse(option, text, "a list: a name between two commas is missing");
    parts.emplace_back(part);
    if (comma == std::string_view::npos) break;
    rest = rest.substr(comma + 1);
  }
  return parts;
}

std::vector<std::int64_t> parse_indices(std::string_view text, std::string_view option,
                                        std::int64_t count) {
  std::vector<std::int64_t> numbers;
  for (const std::string& part : parse_list(text, option)) {
    if (part == "middle") {
      numbers.push_back((count - 1) / 2);
      continue;
    }
    const auto dash = part.find('-', 1);
    auto first = parse<std::int64_t>(std::string_view(part).substr(0, dash));
    auto last = dash == std::string::npos
                    ? first
                    : parse<std::int64_t>(std::string_view(part).substr(dash + 1));
    if (first && *first < 0) *first += count;
    if (last && *last < 0) *last += count;
    if (!first || !last || *first < 0 || *last >= count || *first > *last) {
      refuse(option, part, fmt::format("a number or a range of 0 to {}", count - 1));
    }
    for (std::int64_t number = *first; number <= *last; ++number) numbers.push_back(number);
  }
  std::ranges::sort(numbers);
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

Settings::Settings(std::string_view experiment, std::span<const OptionInfo> known,
                   const std::map<std::string, std::string>& given)
    : experiment_(experiment) {
  std::vector<std::string> names;
  for (const OptionInfo& option : known) {
    const auto found = given.find(std::string(option.name));
    names.emplace_back(option.name);
    const std::string& value =
        values_
            .emplace_back(option.name,
                          found == given.end() ? std::string(option.fallback) : found->second)
            .second;
    if (value == option.fallback || !trimmed(value).empty()) continue;
    throw Error(ErrorKind::kUsage, fmt::format("--{}", option.name),
                option.fallback.empty()
                    ? "is empty; give it a value or leave it out"
                    : fmt::format("is empty; leave it out for {}", option.fallback));
  }
  for (const auto& [name, value] : given) {
    if (std::ranges::find(names, name) != names.end()) continue;
    throw Error(ErrorKind::kUsage, experiment,
                fmt::format("there is no option \"{}\"{}; there are {}", name,
                            did_you_mean(name, names), fmt::join(names, ", ")));
  }
}

const std::string& Settings::text(std::string_view name) const {
  const auto found = std::ranges::find(values_, name, &std::pair<std::string, std::string>::first);
  if (found == values_.end()) {
    throw Error(ErrorKind::kInternal, experiment_, fmt::format("reads no option \"{}\"", name));
  }
  return found->second;
}

std::vector<std::string> Settings::list(std::string_view name) const {
  return parse_list(text(name), name);
}

std::int64_t Settings::integer(std::string_view name, std::int64_t least, std::int64_t most) const {
  const auto number = parse<std::int64_t>(trimmed(text(name)));
  if (!number || *number < least || *number > most) {
    refuse(name, text(name), fmt::format("a whole number from {} to {}", least, most));
  }
  return *number;
}

double Settings::number(std::string_view name) const {
  const auto number = parse<double>(trimmed(text(name)));
  if (!number || !std::isfinite(*number)) refuse(name, text(name), "a number");
  return *number;
}

bool Settings::flag(std::string_view name) const {
  const std::string_view value = trimmed(text(name));
  if (value == "true" || value == "yes") return true;
  if (value == "false" || value == "no") return false;
  refuse(name, value, "true or false");
}

std::vector<std::int64_t> Settings::indices(std::string_view name, std::int64_t count) const {
  if (is_given(name)) return parse_indices(text(name), name, count);
  std::vector<std::int64_t> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

std::string Settings::choice(std::string_view name, std::span<const std::string_view> names) const {
  if (std::ranges::find(names, text(name)) != names.end()) return text(name);
  const std::vector<std::string> known(names.begin(), names.end());
  throw Error(ErrorKind::kUsage, fmt::format("--{}", name),
              fmt::format("there is no \"{}\"{}; there are {}", text(name),
                          did_you_mean(text(name), known), fmt::join(known, ", ")));
}

std::vector<Option> Settings::recorded() const {
  std::vector<Option> options;
  for (const auto& [name, value] : values_) options.push_back({name, value});
  return options;
}

const Experiment& find(std::string_view name) {
  std::vector<std::string> names;
  for (const Experiment* experiment : all()) {
    if (experiment->name == name) return *experiment;
    names.emplace_back(experiment->name);
  }
  throw Error(ErrorKind::kUsage, "experiment",
              fmt::format("there is no experiment \"{}\"{}; there are {}", name,
                          did_you_mean(name, names), fmt::join(names, ", ")));
}

TableAxis prompt_axis(const PromptSet& prompts) {
  std::vector<std::int64_t> numbers(prompts.pairs.size());
  std::iota(numbers.begin(), numbers.end(), 0);
  return {"prompt", number_labels(numbers)};
}

TableAxis number_axis(std::string name, std::int64_t first, std::int64_t last) {
  TableAxis axis{std::move(name), {}};
  for (std::int64_t i = first; i < last; ++i) axis.labels.push_back(std::to_string(i));
  return axis;
}

std::vector<std::string> number_labels(std::span<const std::int64_t> numbers) {
  std::vector<std::string> labels;
  for (const std::int64_t number : numbers) labels.push_back(std::to_string(number));
  return labels;
}

}  // namespace patchbay::experiments
