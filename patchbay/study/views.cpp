#include "patchbay/study/views.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"
#include "patchbay/base/words.h"
#include "patchbay/results/token_list.h"
#include "patchbay/study/views_common.h"

namespace patchbay {
namespace {

View baselines(const EffectTable& table) {
  const double clean = mean(table.baselines.clean);
  const double corrupted = mean(table.baselines.corrupted);
  return {"baselines",
          {"run", table.metric},
          {{"clean", signed_number(clean)},
           {"corrupted", signed_number(corrupted)},
           {"gap", signed_number(clean - corrupted)}},
          {}};
}

View top(const EffectTable& table, std::size_t count) {
  const auto raw = effects(table, EffectKind::kRaw);
  const double gap = mean(table.baselines.clean) - mean(table.baselines.corrupted);
  View view{"largest effects, with their sign", {"rank", "cell", "effect", "of the gap"}, {}, {}};
  for (const std::size_t cell : by_value(raw)) {
    if (view.rows.size() == count) break;
    view.rows.push_back({std::to_string(view.rows.size() + 1), cell_name(table, cell),
                         signed_number(raw[cell].value),
                         fmt::format("{:.1f} %", 100.0 * raw[cell].value / gap)});
  }
  return view;
}

View strongest(const EffectTable& table) {
  const auto raw = effects(table, EffectKind::kRaw);
  const auto order = by_value(raw);
  if (order.empty()) return {"the strongest", {}, {}, {"no prompt has any of these cells"}};
  const std::size_t cell = order.front();
  const double base = mean(table.base());
  return {fmt::format("{} alone", cell_name(table, cell)),
          {"run", table.metric},
          {{"not patched", signed_number(base)},
           {"patched", signed_number(base + raw[cell].value)},
           {"effect", signed_number(raw[cell].value)}},
          {}};
}

const std::vector<std::string>* column(const EffectTable& table, std::string_view name) {
  const auto found = std::ranges::find(table.columns, name, &TextColumn::name);
  return found == table.columns.end() ? nullptr : &found->texts;
}

bool is_of_tokens(const TextColumn& column) {
  return column.name.ends_with(" tokens") || column.name.ends_with(" ids");
}

View prompts(const EffectTable& table) {
  View view{"prompts", {"prompt"}, {}, {}};
  for (std::int64_t i = 0; i < table.n_prompts(); ++i) view.rows.push_back({std::to_string(i)});
  for (const TextColumn& texts : table.columns) {
    if (is_of_tokens(texts)) continue;
    view.columns.push_back(texts.name);
    for (std::size_t i = 0; i < view.rows.size(); ++i) view.rows[i].push_back(texts.texts[i]);
  }
  return view;
}

View tokens(const EffectTable& table) {
  View view{"tokens", {"prompt", "", "tokens, | between them, or ids"}, {}, {}};
  for (std::size_t i = 0; i < static_cast<std::size_t>(table.n_prompts()); ++i) {
    for (const TextColumn& texts : table.columns) {
      if (!is_of_tokens(texts)) continue;
      view.rows.push_back({std::to_string(i), texts.name,
                           fmt::format("{}", fmt::join(split_tokens(texts.texts[i]), "|"))});
    }
  }
  return view;
}

// Of the experiment accuracy: a line per prompt, as the lab prints it.
View lines(const EffectTable& table) {
  const std::vector<std::string>* predicted = column(table, "predicted");
  const std::vector<std::string>* answers = column(table, "answer");
  View view{"line by line", {"prompt", "expected", "got", "verdict"}, {}, {}};
  if (predicted == nullptr || answers == nullptr || table.axes.size() != 3) return view;
  const auto& names = table.axes[1].labels;
  for (const char* side : {"", "corrupted "}) {
    for (const std::string& name : names) view.columns.push_back(side + name);
  }
  for (std::size_t i = 0; i < answers->size(); ++i) {
    const auto prompt = static_cast<std::int64_t>(i);
    const bool right = table.value(0, prompt) == 1.0 && names.front() == "accuracy";
    view.rows.push_back(
        {std::to_string(i), (*answers)[i], (*predicted)[i], right ? "right" : "wrong"});
    for (std::int64_t cell = 0; cell < table.cells(); ++cell) {
      view.rows.back().push_back(fmt::format("{:.4g}", table.value(cell, prompt)));
    }
  }
  view.sentences.push_back(fmt::format(
      "right: {} of {}",
      std::ranges::count_if(view.rows, [](const auto& row) { return row[3] == "right"; }),
      view.rows.size()));
  return view;
}

// The name and the number after its colon.
std::pair<std::string, double> parts_of(std::string_view view) {
  const auto colon = view.find(':');
  std::optional<double> value = 10.0;
  if (colon != std::string_view::npos) {
    value = parse_number<double>(view.substr(colon + 1));
    if (!value || !(*value >= 0 && *value < 1e6)) {
      throw Error(
          ErrorKind::kUsage, "show",
          fmt::format("\"{}\" ends in no number; write one after the colon, such as largest:10",
                      view));
    }
  }
  return {std::string(view.substr(0, colon)), *value};
}

struct KnownView {
  std::string_view name;
  View (*make)(const EffectTable& table, double number, const ViewContext& context);
  bool of_noising = false;  // its words and formulas are about corrupted values in the clean run
};

std::size_t count(double number) { return static_cast<std::size_t>(number); }

constexpr KnownView kViews[] = {
    {"grid", nullptr},
    {"largest", nullptr},
    {"baselines", [](const EffectTable& t, double, const ViewContext&) { return baselines(t); }},
    {"top", [](const EffectTable& t, double n, const ViewContext&) { return top(t, count(n)); }},
    {"strongest", [](const EffectTable& t, double, const ViewContext&) { return strongest(t); }},
    {"prompts", [](const EffectTable& t, double, const ViewContext&) { return prompts(t); }},
    {"tokens", [](const EffectTable& t, double, const ViewContext&) { return tokens(t); }},
    {"lines", [](const EffectTable& t, double, const ViewContext&) { return lines(t); }},
    {"marks", [](const EffectTable& t, double n, const ViewContext&) { return marks(t, count(n)); },
     true},
    {"split", [](const EffectTable& t, double n, const ViewContext&) { return split(t, n); }, true},
    {"as_written",
     [](const EffectTable& t, double n, const ViewContext&) { return as_written(t, count(n)); },
     true},
    {"published",
     [](const EffectTable& t, double, const ViewContext& c) { return published(t, c); }},
    {"groups", [](const EffectTable& t, double, const ViewContext& c) { return groups(t, c); }},
    {"correlations",
     [](const EffectTable& t, double n, const ViewContext&) { return correlations(t, count(n)); }},
    {"of_heads",
     [](const EffectTable& t, double n, const ViewContext& c) { return of_heads(t, n, c); }},
};

const KnownView& find_view(const std::string& name) {
  std::vector<std::string> names;
  for (const KnownView& view : kViews) {
    if (view.name == name) return view;
    names.emplace_back(view.name);
  }
  throw Error(ErrorKind::kUsage, "show",
              fmt::format("there is no view \"{}\"{}; there are {}", name,
                          did_you_mean(name, names), fmt::join(names, ", ")));
}

}  // namespace

std::string check_view(std::string_view view) {
  std::string name = parts_of(view).first;
  (void)find_view(name);
  if (name == "grid" && view != name) {
    throw Error(ErrorKind::kUsage, "show",
                fmt::format("\"{}\": a grid shows all cells and takes no number", view));
  }
  return name;
}

View view_of(const EffectTable& table, std::string_view view, const ViewContext& context) {
  table.check();
  const auto [name, number] = parts_of(view);
  const KnownView& known = find_view(name);
  if (known.make == nullptr) return {};
  if (known.of_noising && table.direction != Direction::kNoise) {
    return {name, {}, {}, {"this list is about corrupted values in the clean run (noise)"}};
  }
  return known.make(table, number, context);
}

}  // namespace patchbay
