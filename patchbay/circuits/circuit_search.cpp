#include "patchbay/circuits/circuit_search.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <utility>

#include "patchbay/results/statistics.h"

namespace patchbay {
namespace {

using enum HookPoint;

// Senders are tried on so many prompts first; of four values three standard errors are the 95 %
// interval (Student's t).
constexpr std::int64_t kFirstPrompts = 4;
constexpr double kStandardErrors = 3.2;

struct Input {
  std::string_view name;
  HookPoint site;
};
constexpr Input kInputs[] = {{"q", kQ}, {"k", kK}, {"v", kV}};

// One input of receivers that act at one position, and where it is read.
struct Question {
  std::vector<Head> receivers;
  NamedPosition acts_at;
  const Input* input;
  NamedPosition read_at;
};

struct Candidate {
  CircuitNode node;
  const Question* question;  // null: to the logits
  double effect;
  std::size_t path;  // to the logits: in their values
};

class Search {
 public:
  Search(const Session& session, const CircuitSearch& search)
      : session_(session),
        prompts_(session.prompts()),
        cfg_(session.model().cfg()),
        search_(search) {}

  FoundCircuit run() {
    std::vector<CircuitNode> found = search_logits();
    for (std::int64_t step = 2; step <= search_.most_steps && !found.empty(); ++step) {
      found = search_step(found);
    }
    return std::move(result_);
  }

 private:
  [[nodiscard]] std::size_t prompts() const { return prompts_.pairs.size(); }

  // Percent of the clean metric, with intervals.
  [[nodiscard]] std::vector<CellSummary> effects_of(const std::vector<double>& values) const {
    return effects_of(values, result_.baselines);
  }
  [[nodiscard]] std::vector<CellSummary> effects_of(const std::vector<double>& values,
                                                    const Baselines& baselines) const {
    if (values.empty()) return {};
    EffectTable table;
    table.metric = search_.metric.name;
    table.direction = Direction::kNoise;
    table.axes = {{"path", {}}, {"prompt", {}}};
    const std::size_t n = baselines.clean.size();
    for (std::size_t i = 0; i < values.size() / n; ++i) {
      table.axes[0].labels.push_back(std::to_string(i));
    }
    for (std::size_t i = 0; i < n; ++i) table.axes[1].labels.push_back(std::to_string(i));
    table.values = values;
    table.baselines = baselines;
    // What tells prompts that repeat others, which intervals count once.
    TextColumn clean{"clean tokens", {}};
    TextColumn corrupted{"corrupted tokens", {}};
    TextColumn answers{"answer ids", {}};
    TextColumn wrongs{"wrong ids", {}};
    for (std::size_t i = 0; i < n; ++i) {
      const PromptPair& pair = prompts_.pairs[i];
      clean.texts.push_back(fmt::format("{}", fmt::join(pair.clean, " ")));
      corrupted.texts.push_back(fmt::format("{}", fmt::join(pair.corrupted, " ")));
      answers.texts.push_back(fmt::format("{}", fmt::join(pair.answers, " ")));
      wrongs.texts.push_back(fmt::format("{}", fmt::join(pair.wrongs, " ")));
    }
    table.columns = {std::move(clean), std::move(corrupted), std::move(answers), std::move(wrongs)};
    table.effect = EffectKind::kPercentOfClean;
    return summarize(table, table.effect, Aggregate::kRatioOfMeans);
  }

  [[nodiscard]] bool matters(const CellSummary& effect) const {
    return std::abs(effect.value) >= search_.threshold && effect.low * effect.high > 0.0;
  }

  // The metric of each path, [path, prompt].
  std::vector<double> run_paths(std::vector<Path> paths) {
    if (paths.empty()) return {};
    SweepResult result =
        session_.run(PathSweep{.paths = std::move(paths), .metric = search_.metric});
    result_.baselines = std::move(result.baselines);
    return std::move(result.values);
  }

  // Of many paths those that may matter, by what they do in the first few prompts.
  std::vector<std::size_t> worth_measuring(const std::vector<Path>& paths) {
    std::vector<std::size_t> worth;
    if (prompts_.size() < 2 * kFirstPrompts) {
      for (std::size_t i = 0; i < paths.size(); ++i) worth.push_back(i);
      return worth;
    }
    PromptSet first = prompts_;
    first.pairs.resize(kFirstPrompts);
    const SweepResult result =
        session_.with(first).run(PathSweep{.paths = paths, .metric = search_.metric});
    const std::vector<CellSummary> effects = effects_of(result.values, result.baselines);
    for (std::size_t i = 0; i < paths.size(); ++i) {
      const double most = std::abs(effects[i].value) + kStandardErrors * effects[i].standard_error;
      if (!(most < search_.threshold)) worth.push_back(i);
    }
    return worth;
  }

  // Every head of layers below `layers`, at one position.
  [[nodiscard]] std::vector<CircuitNode> senders(int layers, NamedPosition position) const {
    std::vector<CircuitNode> nodes;
    for (int layer = 0; layer < layers; ++layer) {
      for (std::int64_t head = 0; head < cfg_.n_heads; ++head) {
        nodes.push_back({{layer, head}, position});
      }
    }
    return nodes;
  }

  [[nodiscard]] Intervention place_of(const CircuitNode& node) const {
    return {{.site = kZ,
             .layer = node.head.layer,
             .head = node.head.head,
             .positions = positions_of(node.position, prompts_)}};
  }

  // The receivers' inputs of a question: a key or value head once, however many read it.
  [[nodiscard]] Intervention inputs_of(const Question& question,
                                       const std::vector<Head>& receivers) const {
    std::set<Head> inputs;
    for (const Head& head : receivers) {
      inputs.insert(
          question.input->site == kQ ? head : Head{head.layer, cfg_.key_value_head_of(head.head)});
    }
    Intervention places;
    for (const Head& head : inputs) {
      places.push_back({.site = question.input->site,
                        .layer = head.layer,
                        .head = head.head,
                        .positions = positions_of(question.read_at, prompts_)});
    }
    return places;
  }

  std::vector<CircuitNode> search_logits() {
    const std::size_t end = prompts_.index_of_position("END");
    const std::vector<CircuitNode> nodes = senders(static_cast<int>(cfg_.n_layers), end);
    std::vector<Path> paths;
    for (const CircuitNode& node : nodes) paths.push_back({place_of(node), {}, true});
    const std::vector<double> values = run_paths(std::move(paths));
    const std::vector<CellSummary> effects = effects_of(values);
    std::vector<Candidate> candidates;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (matters(effects[i])) candidates.push_back({nodes[i], nullptr, effects[i].value, i});
    }
    std::vector<CircuitNode> found;
    for (const Candidate& one : accept(std::move(candidates), found)) {
      add_edge({text_of(one.node, prompts_), "logits", ""}, values, one.path);
    }
    return found;
  }

  // The strongest first; those that would be nodes too many are left out. New nodes go to `found`.
  std::vector<Candidate> accept(std::vector<Candidate> candidates,
                                std::vector<CircuitNode>& found) {
    std::ranges::stable_sort(candidates, std::ranges::greater(),
                             [](const Candidate& one) { return std::abs(one.effect); });
    std::vector<Candidate> accepted;
    for (const Candidate& one : candidates) {
      const bool is_new = !result_.nodes.contains(one.node);
      if (is_new && std::ssize(result_.nodes) >= search_.most_nodes) continue;
      if (is_new) {
        result_.nodes.insert(one.node);
        found.push_back(one.node);
      }
      accepted.push_back(one);
    }
    return accepted;
  }

  void add_edge(CircuitEdge edge, const std::vector<double>& values, std::size_t path) {
    result_.edges.push_back(std::move(edge));
    const auto own = std::span(values).subspan(path * prompts(), prompts());
    result_.values.insert(result_.values.end(), own.begin(), own.end());
  }

  // What the nodes of one step read, position by position.
  [[nodiscard]] std::vector<Question> questions_of(const std::vector<CircuitNode>& nodes) const {
    std::map<NamedPosition, std::vector<Head>> groups;
    for (const CircuitNode& node : nodes) groups[node.position].push_back(node.head);
    const std::size_t names = prompts_.position_names.size();
    std::vector<NamedPosition> read_at;
    for (std::size_t name = 0; name < names; ++name) read_at.emplace_back(name);
    read_at.emplace_back(CircuitNode::kElsewhere);
    if (names == 1) read_at = {NamedPosition(CircuitNode::kEverywhere)};
    std::vector<Question> questions;
    for (const auto& [position, heads] : groups) {
      for (const Input& input : kInputs) {
        if (input.site == kQ) {
          questions.push_back({heads, position, &input, position});
          continue;
        }
        for (const NamedPosition& at : read_at) questions.push_back({heads, position, &input, at});
      }
    }
    return questions;
  }

  // Those whose whole input matters.
  std::vector<Question> worth_asking(std::vector<Question> questions) {
    std::vector<Intervention> variants;
    for (const Question& question : questions) {
      variants.push_back(inputs_of(question, question.receivers));
    }
    const SweepResult result = session_.run(
        Sweep{.direction = Direction::kNoise, .variants = variants, .metric = search_.metric});
    const std::vector<CellSummary> effects = effects_of(result.values);
    std::vector<Question> worth;
    for (std::size_t i = 0; i < questions.size(); ++i) {
      if (matters(effects[i])) worth.push_back(std::move(questions[i]));
    }
    return worth;
  }

  std::vector<CircuitNode> search_step(const std::vector<CircuitNode>& receivers) {
    const std::vector<Question> questions = worth_asking(questions_of(receivers));
    std::vector<Candidate> candidates;
    for (const Question& question : questions) {
      const Head last = *std::ranges::max_element(question.receivers);
      const std::vector<CircuitNode> nodes = senders(last.layer, question.read_at);
      const Intervention inputs = inputs_of(question, question.receivers);
      std::vector<Path> paths;
      for (const CircuitNode& node : nodes) paths.push_back({place_of(node), {inputs}, false});
      if (paths.empty()) continue;
      const std::vector<std::size_t> worth = worth_measuring(paths);
      std::vector<Path> measured;
      for (const std::size_t i : worth) measured.push_back(paths[i]);
      const std::vector<CellSummary> effects = effects_of(run_paths(std::move(measured)));
      for (std::size_t i = 0; i < worth.size(); ++i) {
        if (matters(effects[i])) {
          candidates.push_back({nodes[worth[i]], &question, effects[i].value, i});
        }
      }
    }
    std::vector<CircuitNode> found;
    measure_edges(accept(std::move(candidates), found));
    return found;
  }

  // Each accepted sender to each of its receivers alone.
  void measure_edges(const std::vector<Candidate>& accepted) {
    std::vector<CircuitEdge> edges;
    std::vector<std::size_t> sender;  // of each edge, in `accepted`
    std::vector<Path> paths;
    for (std::size_t i = 0; i < accepted.size(); ++i) {
      const Question& question = *accepted[i].question;
      for (const Head& receiver : question.receivers) {
        if (receiver.layer <= accepted[i].node.head.layer) continue;
        edges.push_back({text_of(accepted[i].node, prompts_),
                         text_of(CircuitNode{receiver, question.acts_at}, prompts_),
                         std::string(question.input->name)});
        sender.push_back(i);
        paths.push_back({place_of(accepted[i].node), {inputs_of(question, {receiver})}, false});
      }
    }
    const std::vector<double> values = run_paths(std::move(paths));
    if (values.empty()) return;
    const std::vector<CellSummary> effects = effects_of(values);
    for (std::size_t first = 0; first < edges.size();) {
      std::size_t last = first;
      while (last < edges.size() && sender[last] == sender[first]) ++last;
      std::size_t strongest = first;
      for (std::size_t i = first; i < last; ++i) {
        if (std::abs(effects[i].value) > std::abs(effects[strongest].value)) strongest = i;
      }
      for (std::size_t i = first; i < last; ++i) {
        if (i == strongest || matters(effects[i])) add_edge(edges[i], values, i);
      }
      first = last;
    }
  }

  const Session& session_;
  const PromptSet& prompts_;
  const HookedTransformerConfig& cfg_;
  const CircuitSearch& search_;
  FoundCircuit result_;
};

}  // namespace

FoundCircuit find_circuit(const Session& session, const CircuitSearch& search) {
  return Search(session, search).run();
}

}  // namespace patchbay
