// The twin: the passes of Wang et al. 2022, appendix B, one prompt at a time. It freezes a head as
// the original code does, by its queries, keys and values.
#include <algorithm>
#include <limits>
#include <map>

#include "patchbay/circuits/path_checks.h"
#include "patchbay/circuits/path_patching.h"
#include "patchbay/circuits/stream_change.h"
#include "patchbay/patching/measurement.h"

namespace patchbay {
namespace {

using enum HookPoint;

// A value that a run has at a piece, or gets there.
struct Written {
  Piece piece;
  std::vector<float> values;
};

float* at(TensorView activation, const Piece& piece) {
  const ConstTensorView row = activation[0];
  if (is_attention(piece.name.point)) {  // [batch, head_index, query_pos, key_pos]
    const std::int64_t pos = row.shape()[2];
    return activation[0].data() + (piece.begin / pos * pos + piece.position) * pos +
           piece.begin % pos;
  }
  return activation[0].data() + piece.position * row.shape().tail().size() + piece.begin;
}

void add_writes(const std::vector<Written>& values, Hooks& hooks) {
  for (const Written& written : values) {
    hooks.add(written.piece.name, [&written](TensorView activation, const HookName&) {
      std::ranges::copy(written.values, at(activation, written.piece));
    });
  }
}

// Whether a piece is something that this MLP computes from, which is not frozen then.
bool enters_mlp(const Piece& piece, int layer) {
  const HookPoint point = piece.name.point;
  return piece.name.layer == layer &&
         (point == kMlpIn || point == kMlpPre || point == kMlpPreLinear || point == kMlpPost);
}

bool is_of_stream(HookPoint point) {
  return point == kResidPre || point == kResidMid || point == kResidPost;
}

// One prompt of the sweep, and the runs that its passes start from.
class PlainPrompt {
 public:
  PlainPrompt(const RunContext& ctx, const HookedTransformer& model, const PathSweep& sweep,
              const Sides& sides, const Measurement& measurement, std::int64_t prompt)
      : ctx_(ctx),
        model_(model),
        cfg_(model.cfg()),
        sweep_(sweep),
        tokens_{sides.base(prompt)},
        demand_{.logits = measurement.demand().logits, .tokens = measurement.demand().tokens},
        cache_(cache_of(tokens_,
                        [](const HookName& name) {  // pass B
                          return name.point == kQ || name.point == kK || name.point == kV ||
                                 name.point == kMlpOut || name.point == kLn1Scale;
                        })),
        written_(ctx, model, tokens_, patched_names(sweep_of_senders(sweep))) {
    if (sweep.norms == NormScale::kLive) return;
    const PromptPair& pair = sweep.prompts.pairs[static_cast<std::size_t>(prompt)];
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
    return model_.run_with_hooks(ctx_, tokens_, hooks, demand_);
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

  static void add_copy(const HookName& name, const ActivationCache& from, Hooks& hooks) {
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
      if (sweep_.freeze_mlps) freeze_mlp(layer, values, hooks);
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
        if (is_of_stream(written.piece.name.point) != of_stream) continue;
        hooks.add(written.piece.name, [&written](TensorView activation, const HookName&) {
          std::copy_n(at(activation, written.piece), written.piece.count, written.values.begin());
        });
      }
    };
    add_records(false);
    add_freezing(values, hooks);
    add_writes(values, hooks);
    add_records(true);
    (void)model_.run_with_hooks(ctx_, tokens_, hooks, demand_);
    return received;
  }

  // One run in which receivers read something else of the stream; no receivers are the logits.
  Logits run_edge(const std::vector<Written>& values, std::vector<Piece> receivers) const {
    std::vector<std::vector<float>> before;  // [sender]
    for (const Written& sender : values) {
      const Piece& piece = sender.piece;
      const auto own = written_.values(piece.name, 0, piece.position, piece.begin, piece.count);
      before.emplace_back(own.begin(), own.end());
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
    return model_.run_with_hooks(ctx_, tokens_, hooks, demand_);
  }

  template <class Changes>
  void add_edge(const Piece& piece, const Changes& changes, Hooks& hooks) const {
    const HookPoint point = piece.name.point;
    const int depth = stream_depth(piece.name);
    if (sweep_.meaning == PathMeaning::kLinear) {
      hooks.add(piece.name, [this, &changes, &piece, depth](TensorView activation,
                                                            const HookName& name) {
        std::vector<float> change(static_cast<std::size_t>(cfg_.d_model));
        add_changes(changes(), depth, piece.position, change);
        const float scale =
            cache_[HookName{kLn1Scale, name.layer}].view()[0][piece.position].flat()[0];
        add_projection(model_.weights().blocks[static_cast<std::size_t>(name.layer)], piece, change,
                       scale, {at(activation, piece), static_cast<std::size_t>(piece.count)});
      });
      return;
    }
    const HookPoint input = input_of(point);
    const bool by_head = input != point;
    const std::int64_t d_model = cfg_.d_model;
    const std::int64_t first = by_head ? piece.begin / cfg_.d_head : 0;
    const std::int64_t count = by_head ? piece.count / cfg_.d_head : 1;
    hooks.add(HookName{input, piece.name.layer}, [&changes, &piece, depth, first, count, d_model](
                                                     TensorView activation, const HookName&) {
      float* const row = activation[0][piece.position].data();
      for (std::int64_t head = first; head < first + count; ++head) {
        add_changes(changes(), depth, piece.position,
                    {row + head * d_model, static_cast<std::size_t>(d_model)});
      }
    });
  }

  const RunContext& ctx_;
  const HookedTransformer& model_;
  const HookedTransformerConfig& cfg_;
  const PathSweep& sweep_;
  std::vector<Prompt> tokens_;  // one prompt
  Demand demand_;
  ActivationCache cache_;
  RecordedRuns written_;  // the senders' activations
  ActivationCache scales_;
};

}  // namespace

SweepResult run_path_sweep_plainly(const RunContext& ctx, const HookedTransformer& model,
                                   const PathSweep& sweep, const JournalPart& journal) {
  check_path_sweep(model, sweep);
  const Sweep senders = sweep_of_senders(sweep);
  const Sides sides{sweep.prompts, sweep.direction};
  const std::int64_t prompts = sweep.prompts.size();
  const SourcePlan plan(ctx, model, sides, sweep.source, patched_names(senders), 1);
  SweepResult result;
  result.values.assign(sweep.paths.size() * static_cast<std::size_t>(prompts),
                       std::numeric_limits<double>::quiet_NaN());
  for (std::int64_t prompt = 0; prompt < prompts; ++prompt) {
    const std::vector<Prompt> one = {sides.base(prompt)};
    const BaseRun base = model.base_run(ctx, one);
    const Measurement measurement(ctx, model, senders, base, prompt, prompt + 1);
    measurement.add_baselines(result.baselines);
    const SourceValues source(ctx, model, plan, prompt, prompt + 1);  // pass A
    const PlainPrompt passes(ctx, model, sweep, sides, measurement, prompt);
    for (std::size_t i = 0; i < sweep.paths.size(); ++i) {
      const std::int64_t cell = static_cast<std::int64_t>(i) * prompts + prompt;
      double& value = result.values[static_cast<std::size_t>(cell)];
      const auto finished = journal.find(cell);
      const auto steps =
          pieces_of_path(model.cfg(), sweep.paths[i],
                         {static_cast<std::int64_t>(one[0].size()), sides.base_positions(prompt),
                          plan.source_positions(prompt)});
      if (finished) {
        value = *finished;
      } else if (steps) {
        std::vector<Written> values;
        for (const Piece& piece : steps->front()) {
          const auto own = source.values(prompt, piece);
          values.push_back({piece, {own.begin(), own.end()}});
        }
        value = measurement.measure(passes.run(sweep.paths[i], values, *steps), {prompt})[0];
        journal.append(cell, value);
      }
      ctx.report_progress(prompt * std::ssize(sweep.paths) + static_cast<std::int64_t>(i) + 1,
                          prompts * std::ssize(sweep.paths));
    }
  }
  result.unchanged = unchanged_variants(senders, result);
  return result;
}

}  // namespace patchbay
