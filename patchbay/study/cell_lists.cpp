// Views that list cells: by magnitude, as the lab computes them, beside what was published.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "patchbay/study/views_common.h"

namespace patchbay {
namespace {

// The lab splits and lists so many heads.
constexpr std::size_t kListed = 20;

// The lab's mean of fractions: prompts with a clean difference of 0 or less are skipped and still
// counted in the divisor.
double as_written_fraction(const EffectTable& table, std::size_t cell) {
  constexpr double kInTheLab = 1e-10;
  const std::span<const double> patched = table.cell_values(static_cast<std::int64_t>(cell));
  double sum = 0.0;
  for (std::size_t i = 0; i < patched.size(); ++i) {
    const double clean = table.baselines.clean[i];
    if (clean <= 0) continue;
    sum += (clean - patched[i]) / (clean - table.baselines.corrupted[i] + kInTheLab);
  }
  return sum / static_cast<double>(patched.size());
}

// The same of every cell.
std::vector<CellSummary> as_written_fractions(const EffectTable& table) {
  std::vector<CellSummary> cells = effects(table, EffectKind::kFraction);
  for (std::size_t cell = 0; cell < cells.size(); ++cell) {
    cells[cell].value = as_written_fraction(table, cell);
  }
  return cells;
}

// Of the largest by magnitude, those above the threshold.
std::vector<std::size_t> above(const std::vector<CellSummary>& cells, double threshold) {
  std::vector<std::size_t> found = by_size(cells, kListed);
  std::erase_if(found, [&](std::size_t cell) { return !(cells[cell].value > threshold); });
  return found;
}

// By its name, or by all its labels: "9.6", "copies | 9 | 6".
std::optional<std::size_t> cell_of(const EffectTable& table, std::string_view name) {
  for (std::size_t cell = 0; cell < static_cast<std::size_t>(table.cells()); ++cell) {
    const auto labels = table.cell_labels(static_cast<std::int64_t>(cell));
    if (cell_name(table, cell) == name || fmt::format("{}", fmt::join(labels, " | ")) == name) {
      return cell;
    }
  }
  return std::nullopt;
}

}  // namespace

View marks(const EffectTable& table, std::size_t count) {
  const auto cells = effects(table, EffectKind::kFraction);
  View view{"largest by magnitude", {"cell", "fraction", ""}, {}, {}};
  for (const std::size_t cell : by_size(cells, count)) {
    view.rows.push_back({cell_name(table, cell), signed_number(cells[cell].value),
                         cells[cell].value > 0 ? "→ corrupts" : "→ helps"});
  }
  return view;
}

View split(const EffectTable& table, double threshold) {
  const auto written = as_written_fractions(table);
  const auto corrected = effects(table, EffectKind::kFraction);
  View view{fmt::format("of the {0} largest: above {1} and below -{1}", kListed, threshold),
            {"as the lab calls them", "cell", "as written", "ratio of means"},
            {},
            {"A head above the threshold carries something that the corruption changes. Whether it "
             "moves a name is another question: heads that inhibit, repeat or induce pass it too. "
             "A negative head suppresses the right name; it inhibits no wrong one."}};
  const auto add = [&](const char* name, std::size_t cell) {
    view.rows.push_back({name, cell_name(table, cell), signed_number(written[cell].value),
                         signed_number(corrected[cell].value)});
  };
  for (const std::size_t cell : above(written, threshold)) add("name mover", cell);
  for (const std::size_t cell : by_size(written, kListed)) {
    if (written[cell].value < -threshold) add("negative", cell);
  }
  return view;
}

View as_written(const EffectTable& table, std::size_t count) {
  const auto corrected = effects(table, EffectKind::kFraction);
  const StatisticsOptions options;
  const auto ratios = summarize(table, EffectKind::kFraction, Aggregate::kMeanOfRatios, options);
  const auto skipped =
      std::ranges::count_if(table.baselines.clean, [](double clean) { return clean <= 0; });
  std::int64_t reversed = 0;
  for (std::size_t i = 0; i < table.baselines.clean.size(); ++i) {
    if (table.baselines.clean[i] <= table.baselines.corrupted[i]) ++reversed;
  }
  View view{"as written, and corrected",
            {"cell", "as written", "ratio of means", "mean of ratios"},
            {},
            {fmt::format("as written: {} of {} prompts are skipped because their clean logit "
                         "difference is not above 0, and still counted in the divisor",
                         skipped, table.n_prompts()),
             fmt::format("{} of {} prompts have a gap of 0 or less, where corruption did not lower "
                         "the difference; with many of them, or a small gap over all, every "
                         "fraction is unstable",
                         reversed, table.n_prompts())}};
  for (const std::size_t cell : by_size(corrected, count)) {
    view.rows.push_back({cell_name(table, cell), signed_number(as_written_fraction(table, cell)),
                         signed_number(corrected[cell].value), signed_number(ratios[cell].value)});
  }
  if (!ratios.empty()) {
    view.sentences.push_back(
        fmt::format("mean of ratios: {} of {} prompts are left out because "
                    "their gap is nearer to 0 than {}",
                    ratios.front().n_left_out, table.n_prompts(), options.smallest_gap));
  }
  return view;
}

View published(const EffectTable& table, const ViewContext& context) {
  View view{"beside what was published", {"cell", "here", "published", "difference"}, {}, {}};
  if (context.published == nullptr) return {view.title, {}, {}, {context.why_nothing_published}};
  const auto raw = effects(table, EffectKind::kRaw);
  const double gap = mean(table.baselines.clean) - mean(table.baselines.corrupted);
  const bool has_gap = table.direction != Direction::kNone;
  if (has_gap) view.columns.insert(view.columns.begin() + 2, "of the gap");
  for (const auto& [name, effect] : context.published->effects) {
    const auto cell = cell_of(table, name);
    const double value = cell ? raw[*cell].value : std::nan("");
    view.rows.push_back({name, signed_number(value), signed_number(effect),
                         cell ? signed_number(value - effect) : "-"});
    if (has_gap) {
      auto& row = view.rows.back();
      row.insert(row.begin() + 2, cell ? fmt::format("{:.1f} %", 100.0 * value / gap) : "-");
    }
  }
  std::ranges::stable_sort(view.rows, std::ranges::greater(), [&](const auto& row) {
    return context.published->effects.at(row.front());
  });
  return view;
}

View groups(const EffectTable& table, const ViewContext& context) {
  View view{"groups that were published",
            {"group", "cell", "rank", std::string(name_of(table.effect))},
            {},
            {}};
  if (context.published == nullptr) return {view.title, {}, {}, {context.why_nothing_published}};
  const auto cells = effects(table, table.effect);
  const auto order = by_value(cells);
  for (const std::vector<std::string>& group : context.published->groups) {
    for (std::size_t i = 1; i < group.size(); ++i) {
      const auto cell = cell_of(table, group[i]);
      const auto rank = cell ? std::ranges::find(order, *cell) : order.end();
      view.rows.push_back({group.front(), group[i],
                           rank == order.end()
                               ? "-"
                               : fmt::format("{} of {}", rank - order.begin() + 1, order.size()),
                           signed_number(cell ? cells[*cell].value : std::nan(""))});
    }
  }
  return view;
}

View of_heads(const EffectTable& table, double threshold, const ViewContext& context) {
  View view{fmt::format("of the heads with a fraction above {} before", threshold), {}, {}, {}};
  if (context.heads == nullptr || !is_of_heads(*context.heads)) {
    view.sentences.emplace_back("there is no earlier result by layer and head");
    return view;
  }
  view.columns = {"head", "fraction"};
  const auto fractions = effects(*context.heads, EffectKind::kFraction);
  const auto own = effects(table, table.effect);
  for (const std::size_t head : above(fractions, threshold)) {
    view.rows.push_back({cell_name(*context.heads, head), signed_number(fractions[head].value)});
    for (std::size_t cell = 0; cell < own.size(); ++cell) {
      const auto labels = table.cell_labels(static_cast<std::int64_t>(cell));
      std::string layer;
      std::string number;
      std::string column;
      for (std::size_t axis = 0; axis < labels.size(); ++axis) {
        const std::string& name = table.axes[axis].name;
        if (name == "layer") {
          layer = labels[axis];
        } else if (name == "head") {
          number = labels[axis];
        } else {
          column += fmt::format("{}{}", column.empty() ? "" : " ", labels[axis]);
        }
      }
      if (fmt::format("{}.{}", layer, number) != view.rows.back().front()) continue;
      if (view.rows.size() == 1) view.columns.push_back(column);
      view.rows.back().push_back(signed_number(own[cell].value));
    }
  }
  if (view.rows.empty()) view.sentences.emplace_back("no head is");
  return view;
}

}  // namespace patchbay
