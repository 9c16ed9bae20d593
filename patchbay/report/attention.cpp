#include "patchbay/report/attention.h"

#include <cmath>
#include <cstdint>

#include "patchbay/base/check.h"
#include "patchbay/report/grid.h"

namespace patchbay {
namespace {

// Labels "0", "1", … without a gap.
bool counts_up(const TableAxis& axis) {
  for (std::size_t i = 0; i < axis.labels.size(); ++i) {
    if (axis.labels[i] != std::to_string(i)) return false;
  }
  return axis.labels.size() > 1;
}

}  // namespace

std::vector<std::string> AttentionPatterns::tokens(const EffectTable& table,
                                                   std::size_t prompt) const {
  // As long as the prompt is: positions after its end have no number.
  std::size_t length = 0;
  while (length < positions && !std::isnan(weight(table, 0, length, 0, prompt))) ++length;
  std::vector<std::string> known = tokens_of(table, prompt);
  if (known.size() == length) return known;
  known.clear();
  for (std::size_t i = 0; i < length; ++i) known.push_back(std::to_string(i));
  return known;
}

double AttentionPatterns::weight(const EffectTable& table, std::size_t head, std::size_t query,
                                 std::size_t key, std::size_t prompt) const {
  const auto check = [](std::string_view what, std::size_t index, std::size_t count) {
    check_index("attention", what, static_cast<std::int64_t>(index),
                static_cast<std::int64_t>(count));
  };
  check("head", head, heads.size());
  check("position", query, positions);
  check("position", key, positions);
  return table.value(static_cast<std::int64_t>(heads[head].first + query * positions + key),
                     static_cast<std::int64_t>(prompt));
}

std::optional<AttentionPatterns> attention_of(const EffectTable& table) {
  table.check();
  const std::size_t axes = table.axes.size();
  if (table.experiment != "attention_patterns" || axes < 5) return std::nullopt;
  const TableAxis& destinations = table.axes[axes - 3];
  const TableAxis& sources = table.axes[axes - 2];
  if (table.axes.front().labels.front() != "clean" || destinations.name != "destination" ||
      sources.name != "source" || !counts_up(sources) || destinations.labels != sources.labels) {
    return std::nullopt;
  }
  AttentionPatterns attention{.heads = {}, .positions = sources.labels.size()};
  const std::size_t each = attention.positions * attention.positions;
  const std::size_t sides = table.axes.front().labels.size();
  for (std::size_t first = 0; first < static_cast<std::size_t>(table.cells()) / sides;
       first += each) {
    attention.heads.push_back({head_of(table, first), first});
  }
  return attention;
}

}  // namespace patchbay
