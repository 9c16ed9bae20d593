// The twin: the passes of Wang et al. 2022, appendix B, one prompt at a time. It freezes a head as
// the original code does, by its queries, keys and values.
#include <algorithm>
#include <limits>
#include <map>

#include "patchbay/circuits/path_checks.h"
#include "patchbay/circuits/path_patching.h"
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

// Every head keeps its queries, keys and values of the unpatched run; with `mlps`, MLPs their
// output, but for the rows of one that gets a value itself.
void add_freezing(const HookedTransformerConfig& cfg, const ActivationCache& base, bool mlps,
                  const std::vector<Written>& values, Hooks& hooks) {
  for (int layer = 0; layer < cfg.n_layers; ++layer) {
    for (const HookPoint point : {kQ, kK, kV}) {
      hooks.add(HookName{point, layer}, [&base](TensorView activation, const HookName& name) {
        std::ranges::copy(base[name].flat(), activation.data());
      });
    }
    if (!mlps) continue;
    std::vector<std::int32_t> live;  // positions
    for (const Written& written : values) {
      if (enters_mlp(written.piece, layer)) live.push_back(written.piece.position);
    }
    hooks.add(HookName{kMlpOut, layer}, [&base, live](TensorView activation, const HookName& name) {
      for (std::int32_t position = 0; position < activation.shape()[1]; ++position) {
        if (std::ranges::find(live, position) != live.end()) continue;
        std::ranges::copy(base[name].view()[0][position].flat(), activation[0][position].data());
      }
    });
  }
}

}  // namespace

SweepResult run_path_sweep_plainly(const RunContext& ctx, const HookedTransformer& model,
                                   const PathSweep& sweep) {
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
    const NamesFilter frozen([](const HookName& name) {
      return name.point == kQ || name.point == kK || name.point == kV || name.point == kMlpOut;
    });
    const ActivationCache cache = model.run_with_cache(ctx, one, frozen).second;  // pass B
    const Demand demand{.logits = measurement.demand().logits,
                        .tokens = measurement.demand().tokens};
    for (std::size_t i = 0; i < sweep.paths.size(); ++i) {
      const Path& path = sweep.paths[i];
      const auto steps =
          pieces_of_path(model.cfg(), path,
                         {static_cast<std::int64_t>(one[0].size()), sides.base_positions(prompt),
                          plan.source_positions(prompt)});
      if (!steps) continue;
      std::vector<Written> values;
      for (const Piece& piece : steps->front()) {
        const auto own = source.values(prompt, piece);
        values.push_back({piece, {own.begin(), own.end()}});
      }
      for (std::size_t step = 1; step < steps->size(); ++step) {  // pass C
        std::vector<Written> received;
        for (const Piece& piece : (*steps)[step]) {
          received.push_back({piece, std::vector<float>(static_cast<std::size_t>(piece.count))});
        }
        Hooks hooks;
        // Receivers look before anything is frozen; a residual stream after what is written there.
        const auto add_records = [&](bool of_stream) {
          for (Written& written : received) {
            const HookPoint point = written.piece.name.point;
            if ((point == kResidPre || point == kResidMid || point == kResidPost) != of_stream) {
              continue;
            }
            hooks.add(written.piece.name, [&written](TensorView activation, const HookName&) {
              std::copy_n(at(activation, written.piece), written.piece.count,
                          written.values.begin());
            });
          }
        };
        add_records(false);
        add_freezing(model.cfg(), cache, sweep.freeze_mlps, values, hooks);
        add_writes(values, hooks);
        add_records(true);
        (void)model.run_with_hooks(ctx, one, hooks, demand);
        values = std::move(received);
      }
      Hooks hooks;  // pass D
      if (path.to_logits) {
        add_freezing(model.cfg(), cache, sweep.freeze_mlps, values, hooks);
      }
      add_writes(values, hooks);
      const Logits logits = model.run_with_hooks(ctx, one, hooks, demand);
      result.values[i * static_cast<std::size_t>(prompts) + static_cast<std::size_t>(prompt)] =
          measurement.measure(logits, {prompt})[0];
    }
  }
  result.unchanged = unchanged_variants(senders, result);
  return result;
}

}  // namespace patchbay
