#include "patchbay/report/caption.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <numeric>

#include "patchbay/base/check.h"
#include "patchbay/base/visible_text.h"
#include "patchbay/results/comparison.h"

namespace patchbay {
namespace {

constexpr double kMargin = 16.0;
constexpr double kTitleSize = 16.0;
constexpr double kSmall = 11.0;
constexpr double kLeastWidth = 560.0;
constexpr std::size_t kLongestName = 80;
constexpr std::size_t kLongestCommand = 2000;

std::string mean_of(const std::vector<double>& values) {
  return fmt::format("{:.4g}", std::accumulate(values.begin(), values.end(), 0.0) /
                                   static_cast<double>(values.size()));
}

std::string words_of(std::string_view name) {
  std::string words(name);
  std::ranges::replace(words, '_', ' ');
  return words;
}

std::string baselines_line(const EffectTable& table) {
  std::string line;
  if (!table.baselines.clean.empty()) line = "clean " + mean_of(table.baselines.clean);
  if (!table.baselines.corrupted.empty()) {
    line +=
        fmt::format("{}corrupted {}", line.empty() ? "" : ", ", mean_of(table.baselines.corrupted));
  }
  return line.empty() ? ""
                      : fmt::format("Unpatched {} (mean): {}.",
                                    visible_text(table.metric, kLongestName), line);
}

std::string intervals_line(const figures::Request& request, Marks marks) {
  const StatisticsOptions options;
  const TableStatistics& statistics = request.statistics;
  const bool repeat = statistics.n_distinct < request.table.n_prompts();
  std::string line =
      fmt::format("Intervals: {:.0f} % bootstrap over {}prompts, {} resamples, seed {}.",
                  100.0 * options.confidence, repeat ? "distinct " : "",
                  options.bootstrap_resamples, options.seed);
  if (request.table.axes.back().labels.front() == kAllPrompts) {
    return "A difference of two summaries: no intervals, no test.";
  }
  const std::vector<CellSummary>& cells = figures::cells_of(request);
  if (std::ranges::none_of(cells, [](const CellSummary& c) { return std::isfinite(c.low); })) {
    line = fmt::format("No intervals: too few prompts ({} distinct, {} needed).",
                       statistics.n_distinct, kFewestResampled);
    if (statistics.n_distinct >= kFewestResampled) line = "No intervals.";
    if (request.table.n_prompts() == 1) line = "One prompt: no intervals.";
  }
  const Significance& test = statistics.significance;
  if (!test.reason.empty()) {
    return line + (test.reason.starts_with("no test") ? fmt::format(" N{}.", test.reason.substr(1))
                                                      : fmt::format(" No test: {}.", test.reason));
  }
  const auto n_below = std::ranges::count_if(
      test.p_values, [](const auto& p) { return p && *p < kSignificanceLevel; });
  if (marks == Marks::kDots && n_below > 0) {
    return line + fmt::format(" Dots: p < {} by paired sign flips, Holm over {} places.",
                              kSignificanceLevel, test.n_tested());
  }
  return line + fmt::format(" Paired sign flips, Holm over {} places: p < {} at {}.",
                            test.n_tested(), kSignificanceLevel, n_below);
}

std::string prompts_line(const EffectTable& table) {
  std::string line = fmt::format(
      "Prompts: {}, {}, {} BOS",
      table.provenance.task.empty() ? "?" : visible_text(table.provenance.task, kLongestName),
      table.axes.back().labels.front() == kAllPrompts ? "all" : std::to_string(table.n_prompts()),
      table.provenance.prepend_bos ? "with" : "without");
  for (const char* side : {"clean", "corrupted"}) {
    const auto column = std::ranges::find(table.columns, std::string_view(side), &TextColumn::name);
    if (column == table.columns.end() || column->texts.empty()) continue;
    line += fmt::format("; {} 0: “{}”", side, visible_text(column->texts.front(), 160));
  }
  return line + ".";
}

std::string model_line(const Provenance& from) {
  std::string line = fmt::format("Model: {}", visible_text(from.model, kLongestName));
  if (!from.model_sha256.empty())
    line += fmt::format(" (SHA-256 {}…)", from.model_sha256.substr(0, 12));
  line += from.weight_processing.empty()
              ? ", weights as they are"
              : fmt::format(", weights: {}", fmt::join(from.weight_processing, ", "));
  return line + fmt::format("; patchbay {}.", from.version);
}

}  // namespace

std::string effect_text(double value, EffectKind effect, bool is_signed) {
  if (!std::isfinite(value)) return "-";
  const double size = std::abs(value);
  const int digits = size >= 100.0 ? 1 : size >= 10.0 ? 2 : 3;
  std::string text =
      is_signed ? fmt::format("{:+.{}f}", value, digits) : fmt::format("{:.{}f}", value, digits);
  if (text.find_first_of("123456789") == std::string::npos) text.erase(0, text.find('0'));  // no -0
  if (effect == EffectKind::kPercentOfClean) text += " %";
  return text;
}

std::string unit_of(const EffectTable& table, EffectKind effect) {
  switch (effect) {
    case EffectKind::kFraction:
    case EffectKind::kRecovered:
    case EffectKind::kOfGap:
      return "share of the gap";
    case EffectKind::kPercentOfClean:
      return fmt::format("% of clean {}", visible_text(table.metric, kLongestName));
    case EffectKind::kRaw:
      break;
  }
  const std::string& metric = table.metric;
  if (metric == "logit_diff" || metric == "logit") return fmt::format("{} (logits)", metric);
  if (metric == "prob" || metric == "prob_diff") return fmt::format("{} (probability)", metric);
  if (metric == "log_prob" || metric == "kl_divergence" || metric == "cross_entropy" ||
      metric == "next_token_loss") {
    return fmt::format("{} (nats)", metric);
  }
  return visible_text(metric, kLongestName);
}

std::string effect_formula(const EffectTable& table, EffectKind effect) {
  return fmt::format("{} = {}, {}", name_of(effect), formula_of(effect, table.direction),
                     words_of(name_of(table.aggregate)));
}

std::string caption_above(const figures::Request& request) {
  const EffectTable& table = request.table;
  std::string text = visible_text(table.metric, kLongestName);
  if (table.direction == Direction::kNoise) text += ", noise (corrupted values into the clean run)";
  if (table.direction == Direction::kDenoise) {
    text += ", denoise (clean values into the corrupted run)";
  }
  return fmt::format("{}; {}; n = {}", text, effect_formula(table, request.effect),
                     prompts_text(table, request.statistics, request.effect));
}

std::vector<std::string> caption_below(const figures::Request& request, Marks marks) {
  const EffectTable& table = request.table;
  std::vector<std::string> lines;
  for (std::string line : {baselines_line(table), intervals_line(request, marks),
                           prompts_line(table), model_line(table.provenance)}) {
    if (!line.empty()) lines.push_back(std::move(line));
  }
  if (!table.provenance.command.empty()) {
    lines.push_back(
        fmt::format("Command: {}", visible_text(table.provenance.command, kLongestCommand)));
  }
  return lines;
}

std::string cell_place(const EffectTable& table, std::size_t cell) {
  std::string place;
  const auto labels = table.cell_labels(static_cast<std::int64_t>(cell));
  for (std::size_t axis = 0; axis < labels.size(); ++axis) {
    place += fmt::format("{}{} {}", axis == 0 ? "" : ", ",
                         visible_text(table.axes[axis].name, kLongestName),
                         visible_text(labels[axis], 80));
  }
  return place;
}

bool is_significant(const figures::Request& request, std::size_t cell) {
  const auto& p = request.statistics.significance.p_values;
  return cell < p.size() && p[cell] && *p[cell] < kSignificanceLevel;
}

std::string cell_sentence(const figures::Request& request, std::size_t cell) {
  if (!request.with_sentences) return "";
  const std::vector<CellSummary>& cells = figures::cells_of(request);
  check_index("figure", "cell", static_cast<std::int64_t>(cell), std::ssize(cells));
  const CellSummary& summary = cells[cell];
  const bool is_signed = request.table.direction != Direction::kNone || summary.value < 0.0;
  const auto text = [&](double value) { return effect_text(value, request.effect, is_signed); };
  std::string sentence = fmt::format("{}: {} {}", cell_place(request.table, cell),
                                     name_of(request.effect), text(summary.value));
  if (std::isfinite(summary.low)) {
    sentence +=
        fmt::format(", 95 % interval {} … {}, standard error {}", text(summary.low),
                    text(summary.high), effect_text(summary.standard_error, request.effect, false));
  }
  const auto& p = request.statistics.significance.p_values;
  if (cell < p.size() && p[cell]) {
    const std::string of_cell = p_text(*p[cell]);
    sentence += fmt::format(", p {}{} (Holm)", of_cell.starts_with('<') ? "" : "= ", of_cell);
  }
  sentence += fmt::format(", n = {}", summary.n);
  if (summary.n_left_out > 0) sentence += fmt::format(" of {}", request.table.n_prompts());
  if (summary.n_distinct < summary.n) sentence += fmt::format(", {} distinct", summary.n_distinct);
  return sentence;
}

Drawing framed(const figures::Request& request, const Svg& body, double width, double height,
               Marks marks) {
  const double inner = std::max(width, kLeastWidth);
  Svg svg;
  const std::string title =
      visible_text(request.title.empty() ? words_of(request.table.experiment) : request.title, 200);
  const double total_width = inner + 2 * kMargin;
  double y = kMargin + kTitleSize;
  Svg head;
  for (const std::string& line : wrapped(title, inner, kTitleSize)) {
    head.text(kMargin, y, line, {.size = kTitleSize, .bold = true});
    y += 1.3 * kTitleSize;
  }
  for (const std::string& line : wrapped(visible_text(caption_above(request)), inner)) {
    head.text(kMargin, y, line, {.name = "muted"});
    y += 1.35 * kFontSize;
  }
  const double top = y;
  y += height + 1.6 * kFontSize;
  Svg foot;
  for (const std::string& paragraph : caption_below(request, marks)) {
    for (const std::string& line : wrapped(visible_text(paragraph), inner, kSmall)) {
      foot.text(kMargin, y, line, {.name = "muted", .size = kSmall});
      y += 1.35 * kSmall;
    }
  }
  const double total_height = y + kMargin - kSmall;
  svg.rect(0, 0, std::ceil(total_width), std::ceil(total_height), {.name = "paper"});
  Drawing drawing{.width = total_width,
                  .height = total_height,
                  .label = fmt::format("{}. {}", title, visible_text(caption_above(request))),
                  .markup = svg.markup() + head.markup()};
  drawing.markup +=
      fmt::format("<g transform=\"translate({} {})\">\n", svg_number(kMargin), svg_number(top));
  drawing.markup += body.markup() + "</g>\n" + foot.markup();
  return drawing;
}

}  // namespace patchbay
