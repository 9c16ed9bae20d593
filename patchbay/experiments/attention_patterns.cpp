#include "patchbay/experiments/attention_patterns.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "patchbay/experiments/columns_common.h"
#include "patchbay/patching/recording.h"

namespace patchbay::experiments {
namespace {

// One head of a model.
struct HeadPattern {
  HookName pattern;  // of its layer
  std::int64_t head;
};

// The cells of the table.
struct PatternCells {
  std::vector<std::string> sides;
  std::vector<TableAxis> axes;  // layer and head, or node
  std::vector<HeadPattern> heads;
  PositionChoice destinations;
  PositionChoice sources;

  [[nodiscard]] std::size_t count() const {
    return heads.size() * destinations.positions.size() * sources.positions.size();
  }
  [[nodiscard]] std::vector<HookName> patterns() const {
    std::vector<HookName> names;
    for (const HeadPattern& head : heads) {
      if (std::ranges::find(names, head.pattern) == names.end()) names.push_back(head.pattern);
    }
    return names;
  }
};

// Numbers of positions from 0 to the end of the longest prompt; shorter ones have no such cells.
PositionChoice every_position(const PromptSet& prompts) {
  PositionChoice choice;
  for (std::int32_t at = 0; at < prompts.longest(); ++at) {
    choice.labels.push_back(std::to_string(at));
    choice.positions.push_back(Positions::at(at));
  }
  return choice;
}

PositionChoice choice_of(const PositionList& asked, const PromptSet& prompts,
                         std::string_view field) {
  return asked.text() == "every" ? every_position(prompts) : asked.of(prompts, field);
}

PatternCells cells_of(Session& session, const AttentionPatterns& settings) {
  check_values(settings);
  const HookedTransformerConfig& cfg = session.model().cfg();
  PatternCells cells{
      .sides = {to_text(settings.side, one_of(AttentionPatterns::kSides))},
      .axes = {},
      .heads = {},
      .destinations = choice_of(settings.dest_positions, session.prompts(), "dest-positions"),
      .sources = choice_of(settings.src_positions, session.prompts(), "src-positions")};
  if (settings.side == AttentionPatterns::Side::kCorrupted) {
    session.prompts().require_corrupted("`side` corrupted");
  }
  if (settings.side == AttentionPatterns::Side::kBoth) cells.sides = side_names(session.prompts());
  if (settings.nodes.is_given()) {
    if (settings.layers.is_given() || settings.heads.is_given()) {
      throw FieldError("nodes",
                       "nodes name their layers and heads; leave `layers` and `heads` out");
    }
    cells.axes = {{"node", parse_list(settings.nodes.text(), "nodes")}};
    const std::vector<std::string>& nodes = cells.axes.front().labels;
    for (const std::string& node : nodes) {
      if (std::ranges::count(nodes, node) > 1) {
        throw FieldError("nodes", fmt::format("{} is given twice; name it once", node));
      }
      const Place place = head_place(node, HookPoint::kPattern, "nodes");
      check_place(cfg, place);
      cells.heads.push_back({{HookPoint::kPattern, place.layer}, place.head});
    }
    return cells;
  }
  const auto layers = settings.layers.of(cfg.n_layers, "layers");
  const auto heads = settings.heads.of(cfg.n_heads, "heads");
  cells.axes = {{"layer", number_labels(layers)}, {"head", number_labels(heads)}};
  for (const auto layer : layers) {
    for (const auto head : heads) {
      cells.heads.push_back({{HookPoint::kPattern, static_cast<int>(layer)}, head});
    }
  }
  return cells;
}

// None when the prompt has no such position.
TokenSpan tokens_in(const Positions& positions, const std::vector<TokenSpan>& named,
                    std::int64_t length) {
  if (positions.kind == Positions::Kind::kNamed) {
    return positions.name.of(named[positions.name.name]);
  }
  return positions.index < length ? TokenSpan(positions.index) : TokenSpan();
}

// What a head's queries give to keys: the sum over the keys, a mean over the queries; NaN where no
// query sees one.
double attention_to(const Recording& runs, const HeadPattern& of, std::int64_t prompt,
                    std::int64_t length, const TokenSpan& queries, const TokenSpan& keys) {
  if (!queries.is_there() || !keys.is_there() || keys.first > queries.last) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  double sum = 0.0;
  for (std::int32_t query = queries.first; query <= queries.last; ++query) {
    for (std::int32_t key = keys.first; key <= std::min(keys.last, query); ++key) {
      sum +=
          static_cast<double>(runs.values(of.pattern, prompt, query, of.head * length + key, 1)[0]);
    }
  }
  return sum / queries.size();
}

// How many prompts run at once, so that their patterns take a quarter of a gigabyte at most.
std::size_t prompts_at_once(Session& session, const PatternCells& cells) {
  constexpr std::int64_t kMostNumbers = std::int64_t{1} << 26;
  const std::int64_t length = std::max<std::int64_t>(session.prompts().longest(), 1);
  const std::int64_t per_prompt =
      std::ssize(cells.patterns()) * session.model().cfg().n_heads * length * length;
  return static_cast<std::size_t>(std::max<std::int64_t>(kMostNumbers / per_prompt, 1));
}

// Attention of one prompt, [heads, destination, source]; NaN where it has no such position
// and where the source comes after the destination.
std::vector<double> attention(const Recording& runs, std::int64_t prompt, std::int64_t length,
                              const std::vector<TokenSpan>& named, const PatternCells& cells) {
  std::vector<double> values;
  values.reserve(cells.count());
  for (const HeadPattern& head : cells.heads) {
    for (const Positions& destination : cells.destinations.positions) {
      const TokenSpan queries = tokens_in(destination, named, length);
      for (const Positions& source : cells.sources.positions) {
        const TokenSpan keys = tokens_in(source, named, length);
        values.push_back(attention_to(runs, head, prompt, length, queries, keys));
      }
    }
  }
  return values;
}

// Puts one side's values into the table, [heads, destination, source, prompt].
void measure(Session& session, const PatternCells& cells, bool clean, std::span<double> values) {
  const std::vector<PromptPair>& pairs = session.prompts().pairs;
  const std::size_t step = prompts_at_once(session, cells);
  for (std::size_t first = 0; first < pairs.size(); first += step) {
    const std::size_t last = std::min(first + step, pairs.size());
    std::vector<Prompt> tokens;
    for (std::size_t i = first; i < last; ++i) {
      tokens.push_back(clean ? pairs[i].clean : pairs[i].corrupted);
    }
    const Recording runs(session.ctx(), session.model(), tokens, cells.patterns());
    for (std::size_t i = first; i < last; ++i) {
      const std::vector<double> one =
          attention(runs, static_cast<std::int64_t>(i - first), std::ssize(tokens[i - first]),
                    clean ? pairs[i].positions : pairs[i].corrupted_positions, cells);
      for (std::size_t cell = 0; cell < one.size(); ++cell) {
        values[cell * pairs.size() + i] = one[cell];
      }
    }
    session.ctx().report_progress(static_cast<std::int64_t>(last), std::ssize(pairs));
  }
}

}  // namespace

void check(Session& session, const AttentionPatterns& settings) {
  (void)cells_of(session, settings);
}

EffectTable run(Session& session, const AttentionPatterns& settings) {
  const PromptSet& prompts = session.prompts();
  const PatternCells cells = cells_of(session, settings);
  EffectTable table = table_of(settings);
  table.metric = "attention";
  table.effect = EffectKind::kRaw;
  table.axes = {{"side", cells.sides}};
  table.axes.insert(table.axes.end(), cells.axes.begin(), cells.axes.end());
  table.axes.push_back({"destination", cells.destinations.labels});
  table.axes.push_back({"source", cells.sources.labels});
  table.axes.push_back(prompt_axis(prompts));
  table.columns = prompt_columns(session.model(), prompts);
  const std::size_t per_side = cells.count() * prompts.pairs.size();
  table.values.resize(cells.sides.size() * per_side);
  for (std::size_t i = 0; i < cells.sides.size(); ++i) {
    measure(session, cells, cells.sides[i] == "clean",
            std::span(table.values).subspan(i * per_side, per_side));
  }
  if (settings.side == AttentionPatterns::Side::kBoth && cells.sides.size() == 1) {
    table.notes.emplace_back("of the clean prompts alone: not every prompt has a corrupted one");
  }
  for (const auto& [axis, choice] :
       {std::pair("destination", &cells.destinations), std::pair("source", &cells.sources)}) {
    for (const Positions& positions : choice->positions) {
      if (positions.kind != Positions::Kind::kNamed) continue;
      const std::string tokens = prompts.tokens_text(positions.name);
      if (tokens.empty()) continue;
      const bool is_source = choice == &cells.sources;
      table.notes.push_back(
          fmt::format("{} {} is {}: {}", axis, prompts.text_of(positions.name), tokens,
                      is_source ? "what they get is added up" : "a mean over what they give"));
    }
  }
  return table;
}

const Experiment& attention_patterns() { return experiment_of<AttentionPatterns>(); }

}  // namespace patchbay::experiments
