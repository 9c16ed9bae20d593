// The twin: the passes of Wang et al. 2022, appendix B, one prompt at a time. It freezes a head as
// the original code does, by its queries, keys and values.
#include <algorithm>
#include <limits>
#include <map>

#include "patchbay/hooks/stream_order.h"
#include "patchbay/patching/path_checks.h"
#include "patchbay/patching/stream_change.h"
#include "tests/support/plain_runs.h"

namespace patchbay {
namespace {

using enum HookPoint;

// Whether a piece is something that this MLP computes from, which is not frozen then.
bool enters_mlp(const Piece& piece, int layer) {
  return piece.name.layer == layer && is_inside_mlp(piece.name.point);
}

// One prompt of the sweep, and the runs that its passes start from.
class PlainPrompt {
 public:
  PlainPrompt(const RunContext& ctx, const HookedTransformer& model, const PathSweep& sweep,
              const PlainRuns& runs, const PromptPair& pair, std::int64_t prompt)
      : ctx_(ctx),
        model_(model),
        cfg_(model.cfg()),
        sweep_(sweep),
        runs_(runs),
        tokens_{runs.base(prompt)},
        cache_(cache_of(tokens_,
                        [](const HookName& name) {  // pass B
                          return name.point == kQ || name.point == kK || name.point == kV ||
                                 name.point == kMlpOut || name.point == kLn1Scale;
                        })) {
    if (sweep.norms == NormScale::kLive) return;
    scales_ = cache_of({sweep.norms == NormScale::kClean ? pair.clean : pair.corrupted}, is_scale);
  }

  // A path: the senders' values (pass A) and the pieces of each step.
  Logits run(const Path& path, std::vector<Written> values,
             const std::vector<std::vector<Piece>>& steps) const {
    if (sweep_.meaning != PathMeaning::kHeadsFrozen) {
      return run_edge(values, steps.size() == 1 ? std::vector<Piece>() : steps[1]);
    }
    for (std::size_t step = 1; step < steps.size(); ++step) values = record(values, steps[step]);
    Hooks hooks;  // pass D
    if (path.to_logits) add_freezing(values, hooks);
    add_writes(values, hooks);
    return model_.run_with_hooks(ctx_, tokens_, hooks);
  }

 private:
  static bool is_scale(const HookName& name) {
    return name.point == kLn1Scale || name.point == kLn2Scale || name.point == kLnFinalScale;
  }

  template <class Predicate>
  [[nodiscard]] ActivationCache cache_of(const std::vector<Prompt>& prompts,
                                         const Predicate& keep) const {
    return model_.run_with_cache(ctx_, prompts, NamesFilter(keep)).second;
  }

  void add_copy(const HookName& name, const ActivationCache& from, Hooks& hooks) const {
    if (!name.is_in(cfg_)) return;
    hooks.add(name, [&from](TensorView activation, const HookName& at) {
      std::ranges::copy(from[at].flat(), activation.data());
    });
  }

  // Every head keeps its queries, keys and values of the unpatched run; if the sweep says so, MLPs
  // their output, but for the rows of one that gets a value itself, and norms their scale.
  void add_freezing(const std::vector<Written>& values, Hooks& hooks) const {
    for (int layer = 0; layer < cfg_.n_layers; ++layer) {
      for (const HookPoint point : {kQ, kK, kV}) {
        if (!sweep_.live_heads) add_copy(HookName{point, layer}, cache_, hooks);
      }
      if (sweep_.norms != NormScale::kLive) {
        add_copy(HookName{kLn1Scale, layer}, scales_, hooks);
        add_copy(HookName{kLn2Scale, layer}, scales_, hooks);
      }
      if (sweep_.freeze_mlps && !cfg_.attn_only) freeze_mlp(layer, values, hooks);
    }
    if (sweep_.norms != NormScale::kLive) add_copy(HookName{kLnFinalScale}, scales_, hooks);
  }

  void freeze_mlp(int layer, const std::vector<Written>& values, Hooks& hooks) const {
    std::vector<std::int32_t> live;  // positions
    for (const Written& written : values) {
      if (enters_mlp(written.piece, layer)) live.push_back(written.piece.position);
    }
    hooks.add(HookName{kMlpOut, layer}, [this, live](TensorView activation, const HookName& name) {
      for (std::int32_t position = 0; position < activation.shape()[1]; ++position) {
        if (std::ranges::find(live, position) != live.end()) continue;
        std::ranges::copy(cache_[name].view()[0][position].flat(), activation[0][position].data());
      }
    });
  }

  // Pass C: what receivers would be, with these values in and all else frozen.
  std::vector<Written> record(const std::vector<Written>& values,
                              const std::vector<Piece>& receivers) const {
    std::vector<Written> received;
    for (const Piece& piece : receivers) {
      received.push_back({piece, std::vector<float>(static_cast<std::size_t>(piece.count))});
    }
    Hooks hooks;
    // Receivers look before anything is frozen; a residual stream after what is written there.
    const auto add_records = [&](bool of_stream) {
      for (Written& written : received) {
        if (info(written.piece.name.point).is_stream() != of_stream) continue;
        hooks.add(written.piece.name, [&written](TensorView activation, const HookName&) {
          std::copy_n(at(activation, written.piece), written.piece.count, written.values.begin());
        });
      }
    };
    add_records(false);
    add_freezing(values, hooks);
    add_writes(values, hooks);
    add_records(true);
    (void)model_.run_with_hooks(ctx_, tokens_, hooks);
    return received;
  }

  // One run in which receivers read something else of the stream; no receivers are the logits.
  Logits run_edge(const std::vector<Written>& values, std::vector<Piece> receivers) const {
    std::vector<std::vector<float>> before;  // [sender]
    for (const Written& sender : values) {
      const Piece& piece = sender.piece;
      const float* const first = at(runs_.recorded(tokens_.front(), piece.name), piece);
      before.emplace_back(first, first + piece.count);
    }
    Hooks hooks;
    if (sweep_.meaning == PathMeaning::kEdge) {  // what the sender writes in this very run
      for (std::size_t i = 0; i < values.size(); ++i) {
        const Piece& piece = values[i].piece;
        hooks.add(piece.name, [&before, &piece, i](TensorView activation, const HookName&) {
          std::copy_n(at(activation, piece), piece.count, before[i].begin());
        });
      }
    }
    const auto changes = [&] {
      std::vector<StreamChange> all;
      for (std::size_t i = 0; i < values.size(); ++i) {
        all.push_back(
            stream_change(cfg_, model_.weights(), values[i].piece, before[i], values[i].values));
      }
      return all;
    };
    if (receivers.empty()) {
      const HookName last{kResidPost, static_cast<int>(cfg_.n_layers) - 1};
      for (std::int32_t i = 0; i < std::ssize(tokens_.front()); ++i) {
        receivers.push_back({last, i, 0, i, 0, cfg_.d_model});
      }
    }
    for (const Piece& piece : receivers) add_edge(piece, changes, hooks);
    return model_.run_with_hooks(ctx_, tokens_, hooks);
  }

  template <class Changes>
  void add_edge(const Piece& piece, const Changes& changes, Hooks& hooks) const {
    const HookPoint point = piece.name.point;
    const int order = stream_order(cfg_, piece.name);
    if (sweep_.meaning == PathMeaning::kLinear) {
      hooks.add(piece.name, [this, &changes, &piece, order](TensorView activation,
                                                            const HookName& name) {
        std::vector<float> change(static_cast<std::size_t>(cfg_.d_model));
        add_changes(changes(), order, piece.position, change);
        const float scale =
            cache_[HookName{kLn1Scale, name.layer}].view()[0][piece.position].flat()[0];
        add_projection(model_.weights().blocks[static_cast<std::size_t>(name.layer)], piece, change,
                       scale, {at(activation, piece), static_cast<std::size_t>(piece.count)});
      });
      return;
    }
    const HookPoint input = info(point).input;
    const bool by_head = input != point;
    const std::int64_t d_model = cfg_.d_model;
    const std::int64_t first = by_head ? piece.begin / cfg_.d_head : 0;
    const std::int64_t count = by_head ? piece.count / cfg_.d_head : 1;
    hooks.add(HookName{input, piece.name.layer}, [&changes, &piece, order, first, count, d_model](
                                                     TensorView activation, const HookName&) {
      float* const row = activation[0][piece.position].data();
      for (std::int64_t head = first; head < first + count; ++head) {
        add_changes(changes(), order, piece.position,
                    {row + head * d_model, static_cast<std::size_t>(d_model)});
      }
    });
  }

  const RunContext& ctx_;
  const HookedTransformer& model_;
  const HookedTransformerConfig& cfg_;
  const PathSweep& sweep_;
  const PlainRuns& runs_;
  std::vector<Prompt> tokens_;  // one prompt
  ActivationCache cache_;
  ActivationCache scales_;
};

}  // namespace

SweepResult run_path_sweep_plainly(const RunContext& ctx, const HookedTransformer& model,
                                   const PromptSet& prompts, const PathSweep& sweep) {
  const PlainRuns runs(ctx, model, prompts, sweep.direction, sweep.source, sweep.metric);
  const auto n = static_cast<std::size_t>(prompts.size());
  SweepResult result;
  result.values.assign(sweep.paths.size() * n, std::numeric_limits<double>::quiet_NaN());
  for (std::int64_t prompt = 0; prompt < prompts.size(); ++prompt) {
    runs.add_baselines(prompt, {}, result.baselines);
    const PlainPrompt passes(ctx, model, sweep, runs,
                             prompts.pairs[static_cast<std::size_t>(prompt)], prompt);
    for (std::size_t i = 0; i < sweep.paths.size(); ++i) {
      const auto steps = pieces_of_path(model.cfg(), sweep.paths[i], runs.positions(prompt));
      if (!steps) continue;
      const Logits logits =
          passes.run(sweep.paths[i], runs.source_values(prompt, steps->front()), *steps);  // pass A
      result.values[i * n + static_cast<std::size_t>(prompt)] = runs.measure(logits, prompt, true);
    }
  }
  result.unchanged = count_unchanged(result, sweep.direction);
  return result;
}

}  // namespace patchbay
