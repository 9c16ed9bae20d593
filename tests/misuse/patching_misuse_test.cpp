// Wrong questions to a session: errors, never another number.
#include <cmath>
#include <limits>

#include "patchbay/circuits/circuit_search.h"
#include "patchbay/circuits/knockout.h"
#include "patchbay/patching/session.h"
#include "tests/misuse/misuse.h"
#include "tests/support/prompt_pairs.h"
#include "tests/support/tiny_models.h"

namespace patchbay {
namespace {

using enum HookPoint;
using testing::expect_refused;

class SessionMisuse : public ::testing::Test {
 protected:
  [[nodiscard]] std::function<void()> patch(const Place& place) const {
    return [this, place] { (void)session_.run(Sweep{.variants = {{place}}, .metric = metric_}); };
  }
  [[nodiscard]] std::function<void()> follow(PathSweep sweep) const {
    return [this, sweep] { (void)session_.run(sweep); };
  }
  [[nodiscard]] PathSweep sweep_of(const Path& path, PathMeaning meaning) const {
    return {.paths = {path}, .metric = metric_, .meaning = meaning};
  }
  [[nodiscard]] Sweep heads() const {
    return {.variants = {{{.site = kZ, .layer = 0, .head = 1}}}, .metric = metric_};
  }

  TinyModel tiny_{"tiny-gpt2"};
  PromptSet prompts_ = reference_pairs(tiny_);
  const metrics::Metric& metric_ = metrics::find("logit_diff");
  Session session_{tiny_.ctx, tiny_.model, prompts_};
};

TEST_F(SessionMisuse, OfPlacesIsRefused) {
  expect_refused({
      {"layer", patch({.site = kZ, .layer = -1}), "there is no layer -1"},
      {"layer", patch({.site = kZ, .layer = 3}), "layers 0 to 2"},
      {"head", patch({.site = kZ, .layer = 0, .head = 4}), "no head 4"},
      {"head", patch({.site = kZ, .layer = 0, .head = -2}), "no head -2"},
      {"head", patch({.site = kMlpOut, .layer = 0, .head = 0}), "has no heads"},
      {"neuron", patch({.site = kMlpPost, .layer = 0, .neuron = 128}), "no neuron 128"},
      {"neuron", patch({.site = kZ, .layer = 0, .neuron = 1}), "has no neurons"},
      {"both", patch({.site = kMlpPost, .layer = 0, .head = 0, .neuron = 1}), "both a head"},
      {"keys", patch({.site = kZ, .layer = 0, .keys = Positions::at(3)}), "has no keys"},
      {"at", patch({.site = kZ, .layer = 0, .positions = Positions::at(-1)}), "no position -1"},
      {"named", patch({.site = kZ, .layer = 0, .positions = Positions::named(3)}),
       "no position name 3"},
      {"all_but", patch({.site = kZ, .layer = 0, .positions = Positions::all_but({99})}),
       "no position name 99"},
      {"site", patch({.site = kEmbed, .layer = 0}), "not in a block"},
      {"site", patch({.site = kRotQ, .layer = 0}), "no hook point"},
      {"nothing", [&] { (void)session_.run(Sweep{.variants = {{}}, .metric = metric_}); },
       "names no place"},
  });
}

TEST_F(SessionMisuse, OfSweepsIsRefused) {
  Sweep undirected = heads();
  undirected.direction = Direction::kNone;
  Sweep endless = heads();
  endless.source = {.kind = SourceKind::kGaussian, .sigma = std::nan("")};
  Sweep negative = heads();
  negative.source = {.kind = SourceKind::kGaussian, .sigma = -1.0};
  const metrics::Metric nothing{.name = "nothing", .what = "has no function"};
  const std::vector<float> row(static_cast<std::size_t>(tiny_.model.cfg().d_model), 0.5F);
  RowEdits beyond;
  beyond.add({kEmbed, -1}, {{5, 0}, 0, row});
  Sweep noisy = heads();
  noisy.embedding_edits = &beyond;
  RowEdits first;
  first.add({kEmbed, -1}, {{0, 0}, 0, row});
  Sweep own = heads();
  own.embedding_edits = &first;
  own.source = {.kind = SourceKind::kGaussian, .sigma = 1.0};
  PromptSet none = prompts_;
  none.pairs.clear();
  expect_refused({
      {"direction", [&] { (void)session_.run(undirected); }, "needs a direction"},
      {"sigma", [&] { (void)session_.run(endless); }, "a number from 0 on"},
      {"sigma", [&] { (void)session_.run(negative); }, "a number from 0 on"},
      {"metric",
       [&] { (void)session_.run(Sweep{.variants = heads().variants, .metric = nothing}); },
       "no function"},
      {"edits", [&] { (void)session_.run(noisy); }, "sequence 5"},
      {"edits", [&] { (void)session_.run(own); }, "its unedited run"},
      {"prompts", [&] { (void)session_.with(none).run(heads()); }, "no prompts"},
      {"part", [&] { (void)session_.part({.number = 2, .count = 2}); }, "no shard 2 of 2"},
      {"part", [&] { (void)session_.part({.number = 0, .count = 0}); }, "no shard 0 of 0"},
      {"base_run", [&] { (void)session_.base_run({{}}); }, "is empty"},
  });
}

TEST_F(SessionMisuse, OfPathsIsRefused) {
  const Intervention head = {{.site = kZ, .layer = 0, .head = 0}};
  const Intervention query = {{.site = kQ, .layer = 2, .head = 1}};
  PathSweep frozen_edge = sweep_of({head, {query}, false}, PathMeaning::kEdge);
  frozen_edge.freeze_mlps = true;
  PathSweep mixed = sweep_of({head, {query}, false}, PathMeaning::kHeadsFrozen);
  mixed.paths.push_back({head, {}, true});
  expect_refused({
      {"end", follow(sweep_of({head, {}, false}, PathMeaning::kHeadsFrozen)), "to_logits"},
      {"receivers", follow(sweep_of({head, {query}, false}, PathMeaning::kEverything)),
       "has no receivers"},
      {"receivers", follow(sweep_of({head, {{}}, false}, PathMeaning::kHeadsFrozen)),
       "names no place"},
      {"receivers",
       follow(sweep_of({head, {{{.site = kZ, .layer = 1}}}, false}, PathMeaning::kHeadsFrozen)),
       "reads nothing of the residual stream"},
      {"receivers",
       follow(sweep_of({head, {{{.site = kQ, .layer = -1}}}, false}, PathMeaning::kEdge)),
       "there is no layer -1"},
      {"steps", follow(sweep_of({head, {query, query}, false}, PathMeaning::kEdge)), "one step"},
      {"senders", follow(sweep_of({query, {query}, false}, PathMeaning::kEdge)),
       "does not write to the residual stream"},
      {"switches", follow(frozen_edge), "heads_frozen paths alone"},
      {"paths", follow(mixed), "same number of receiver groups"},
  });
}

TEST_F(SessionMisuse, OfCircuitsIsRefused) {
  Knockouts knockouts(session_, {.metric = metric_});
  const auto add = [&](const CircuitNode& node) {
    return [&knockouts, node] { (void)knockouts.add_circuit({node}); };
  };
  expect_refused({
      {"add_circuit", add({{0, 9}}), "no head 9"},
      {"add_circuit", add({{7, 0}}), "layers 0 to 2"},
      {"add_circuit", add({{0, 0}, 42}), "no position name 42"},
      {"add_model_without",
       [&] {
         (void)knockouts.add_model_without({{{0, -1}}});
       },
       "no head -1"},
      {"values", [&] { (void)knockouts.values(0); }, "no set of nodes that was run 0"},
  });
}

}  // namespace
}  // namespace patchbay
