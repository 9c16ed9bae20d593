#include "patchbay/experiments/experiment.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "patchbay/base/suggest.h"

namespace patchbay::experiments {
namespace {

// Fields that had another name in an earlier version.
struct Renamed {
  std::string_view before;
  std::string_view now;
};
constexpr Renamed kRenamed[] = {{"sources", "src-positions"}, {"destinations", "dest-positions"}};

}  // namespace

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

std::string_view renamed_field(std::string_view before) {
  const auto* const found = std::ranges::find(kRenamed, before, &Renamed::before);
  return found == std::end(kRenamed) ? std::string_view() : found->now;
}

std::string suggested_field(std::string_view name, std::span<const std::string> fields) {
  const std::string_view now = renamed_field(name);
  const bool is_field = std::ranges::find(fields, now) != fields.end();
  return is_field ? fmt::format("; did you mean \"{}\"?", now) : did_you_mean(name, fields);
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
