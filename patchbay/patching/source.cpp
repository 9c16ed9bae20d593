#include "patchbay/patching/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "patchbay/base/error.h"
#include "patchbay/base/split_mix.h"
#include "patchbay/base/suggest.h"
#include "patchbay/patching/gaussian.h"

namespace patchbay {
namespace {

bool is_mean(SourceKind kind) {
  return kind == SourceKind::kMean || kind == SourceKind::kMeanByPosition ||
         kind == SourceKind::kMeanByTemplate;
}

// A stream of its own for every prompt and activation: what else is patched draws no other numbers.
std::uint64_t stream_of(std::uint64_t seed, std::int64_t prompt, const HookName& name) {
  return mixed_seed({seed, static_cast<std::uint64_t>(prompt),
                     static_cast<std::uint64_t>(name.layer),
                     static_cast<std::uint64_t>(name.point)});
}

// A sum of rows, in double precision and in the order of the prompts.
struct Sum {
  std::vector<double> total;
  std::int64_t count = 0;
};

void add(std::span<const float> row, std::size_t at, Sum& sum) {
  for (std::size_t i = 0; i < row.size(); ++i) sum.total[at + i] += row[i];
}

// A row's pieces that lie together: the whole row, or each head's part of attention.
template <class Body>
void for_each_part(const HookedTransformerConfig& cfg, const HookName& name, std::int64_t length,
                   const Body& body) {
  const std::int64_t width = row_width(cfg, name, length);
  const std::int64_t parts = is_attention(name.point) ? cfg.n_heads : 1;
  for (std::int64_t part = 0; part < parts; ++part) {
    body(part * (width / parts), width / parts);
  }
}

}  // namespace

std::string_view name_of(SourceKind kind) {
  switch (kind) {
    case SourceKind::kOtherRun:
      return "other";
    case SourceKind::kZero:
      return "zero";
    case SourceKind::kMean:
      return "mean";
    case SourceKind::kMeanByPosition:
      return "mean_by_position";
    case SourceKind::kMeanByTemplate:
      return "mean_by_template";
    case SourceKind::kResample:
      return "resample";
    case SourceKind::kGaussian:
      return "gaussian";
  }
  return "";
}

SourceKind parse_source(std::string_view name) {
  std::vector<std::string> names;
  for (const SourceKind kind : kSourceKinds) {
    if (name_of(kind) == name) return kind;
    names.emplace_back(name_of(kind));
  }
  throw Error(ErrorKind::kUsage, "source",
              fmt::format("there is no source \"{}\"{}; there are {}", name,
                          did_you_mean(name, names), fmt::join(names, ", ")));
}

const Prompt& Sides::base(std::int64_t prompt) const {
  const PromptPair& pair = prompts.pairs[static_cast<std::size_t>(prompt)];
  return direction == Direction::kDenoise ? pair.corrupted : pair.clean;
}

const Prompt& Sides::other(std::int64_t prompt) const {
  const PromptPair& pair = prompts.pairs[static_cast<std::size_t>(prompt)];
  return direction == Direction::kDenoise ? pair.clean : pair.corrupted;
}

const std::vector<std::int32_t>& Sides::base_positions(std::int64_t prompt) const {
  const PromptPair& pair = prompts.pairs[static_cast<std::size_t>(prompt)];
  return direction == Direction::kDenoise ? pair.corrupted_positions : pair.positions;
}

const std::vector<std::int32_t>& Sides::other_positions(std::int64_t prompt) const {
  const PromptPair& pair = prompts.pairs[static_cast<std::size_t>(prompt)];
  return direction == Direction::kDenoise ? pair.positions : pair.corrupted_positions;
}

std::int64_t Sides::changed_rows(std::int64_t prompt, std::span<const Piece> pieces,
                                 bool from_other) const {
  const Prompt& tokens = base(prompt);
  const auto alike =
      from_other ? std::ranges::mismatch(tokens, other(prompt)).in1 - tokens.begin() : 0;
  std::int64_t first = std::ssize(tokens);
  for (const Piece& piece : pieces) {
    const bool same = piece.position < alike && piece.position == piece.source_position &&
                      piece.begin == piece.source_begin;
    if (!same) first = std::min<std::int64_t>(first, piece.position);
  }
  return std::ssize(tokens) - first;
}

SourcePlan::SourcePlan(const RunContext& ctx, const HookedTransformer& model, const Sides& sides,
                       const Source& source, const std::vector<HookName>& names,
                       std::int64_t prompts_at_once)
    : sides_(sides), source_(source), names_(names) {
  const std::int64_t prompts = sides.prompts.size();
  if (source.kind == SourceKind::kResample) {
    SplitMix64 random(source.seed);
    for (std::int64_t i = 0; i < prompts; ++i) {
      std::vector<std::int64_t> candidates;
      for (std::int64_t j = 0; j < prompts; ++j) {
        if (j != i && sides.base(j).size() == sides.base(i).size()) candidates.push_back(j);
      }
      if (candidates.empty()) {
        throw Error(ErrorKind::kBadData, sides.prompts.task,
                    fmt::format("prompt {} is the only one of {} tokens, so there is none to "
                                "resample it from; take more prompts",
                                i, sides.base(i).size()));
      }
      resampled_.push_back(candidates[random.below(candidates.size())]);
    }
  }
  if (!is_mean(source.kind)) return;

  std::map<std::string, std::map<HookName, Sum>> sums;
  for (std::int64_t first = 0; first < prompts; first += prompts_at_once) {
    const std::int64_t last = std::min(prompts, first + prompts_at_once);
    std::vector<Prompt> chunk;
    for (std::int64_t i = first; i < last; ++i) chunk.push_back(sides.other(i));
    const RecordedRuns runs(ctx, model, chunk, names);
    for (std::int64_t i = first; i < last; ++i) {
      const auto length = static_cast<std::int64_t>(sides.other(i).size());
      for (const HookName& name : names) {
        if (source.kind == SourceKind::kMean && is_attention(name.point)) {
          throw Error(ErrorKind::kUsage, "source",
                      fmt::format("{} has no mean over positions, since rows end at different "
                                  "keys; take mean_by_position or mean_by_template",
                                  name.str()));
        }
        const bool one_row = source.kind == SourceKind::kMean;
        const auto width = static_cast<std::size_t>(row_width(model.cfg(), name, length));
        Sum& sum = sums[mean_class(i)][name];
        sum.total.resize(width * (one_row ? 1 : static_cast<std::size_t>(length)));
        sum.count += one_row ? length : 1;
        for (std::int32_t position = 0; position < length; ++position) {
          const std::size_t row = one_row ? 0 : static_cast<std::size_t>(position) * width;
          for_each_part(model.cfg(), name, length, [&](std::int64_t begin, std::int64_t count) {
            add(runs.values(name, i - first, position, begin, count),
                row + static_cast<std::size_t>(begin), sum);
          });
        }
      }
    }
  }
  for (const auto& [kind, by_name] : sums) {
    for (const auto& [name, sum] : by_name) {
      Tensor mean = Tensor::uninitialized({static_cast<std::int64_t>(sum.total.size())});
      for (std::size_t i = 0; i < sum.total.size(); ++i) {
        mean.flat()[i] = static_cast<float>(sum.total[i] / static_cast<double>(sum.count));
      }
      means_[kind][name] = std::move(mean);
    }
  }
}

std::string SourcePlan::mean_class(std::int64_t prompt) const {
  const std::size_t length = sides_.other(prompt).size();
  switch (source_.kind) {
    case SourceKind::kMeanByPosition:
      return std::to_string(length);
    case SourceKind::kMeanByTemplate:
      return fmt::format("{} {}", length,
                         sides_.prompts.pairs[static_cast<std::size_t>(prompt)].group);
    default:
      return "";
  }
}

const std::vector<std::int32_t>& SourcePlan::source_positions(std::int64_t prompt) const {
  switch (source_.kind) {
    case SourceKind::kResample:
      return sides_.base_positions(resampled_[static_cast<std::size_t>(prompt)]);
    case SourceKind::kGaussian:
      return sides_.base_positions(prompt);
    default:
      return sides_.other_positions(prompt);
  }
}

SourceValues::SourceValues(const RunContext& ctx, const HookedTransformer& model,
                           const SourcePlan& plan, std::int64_t first, std::int64_t last,
                           const Demand& demand)
    : plan_(&plan), first_(first) {
  const Source& source = plan.source_;
  const Sides& sides = plan.sides_;
  std::vector<Prompt> prompts;
  for (std::int64_t i = first; i < last; ++i) {
    prompts.push_back(source.kind == SourceKind::kOtherRun ? sides.other(i)
                      : source.kind == SourceKind::kResample
                          ? sides.base(plan.resampled_[static_cast<std::size_t>(i)])
                          : sides.base(i));
  }
  if (source.kind == SourceKind::kZero) {
    std::int64_t widest = 0;
    for (const HookName& name : plan.names_) {
      widest = std::max(widest, row_width(model.cfg(), name, sides.prompts.longest()));
    }
    zeros_.resize(static_cast<std::size_t>(widest));
  }
  if (source.kind == SourceKind::kZero || is_mean(source.kind)) return;
  if (source.kind == SourceKind::kOtherRun && demand.logits != Demand::At::kNowhere) {
    runs_ = RecordedRuns(ctx, model, prompts, plan.names_, demand);
    other_logits_ = runs_.take_logits();
    return;
  }
  runs_ = RecordedRuns(ctx, model, prompts, plan.names_);
  if (source.kind != SourceKind::kGaussian) return;

  noisy_.resize(prompts.size());
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const auto prompt = static_cast<std::int64_t>(i);
    const auto length = static_cast<std::int64_t>(prompts[i].size());
    for (const HookName& name : plan.names_) {
      Gaussian gaussian(stream_of(source.seed, first + prompt, name));
      const std::int64_t width = row_width(model.cfg(), name, length);
      Tensor rows({length, width});
      for (std::int32_t position = 0; position < length; ++position) {
        for_each_part(model.cfg(), name, length, [&](std::int64_t begin, std::int64_t count) {
          const auto own = runs_.values(name, prompt, position, begin, count);
          for (std::size_t k = 0; k < own.size(); ++k) {
            const auto noise = static_cast<float>(source.sigma * gaussian.next());
            rows(position, begin + static_cast<std::int64_t>(k)) = own[k] + noise;
          }
        });
      }
      noisy_[i][name] = std::move(rows);
    }
  }
  runs_ = {};
}

std::span<const float> SourceValues::values(std::int64_t prompt, const Piece& piece) const {
  const auto count = static_cast<std::size_t>(piece.count);
  const auto within = [&](const Tensor& rows, std::int64_t row, std::int64_t width) {
    return rows.flat().subspan(static_cast<std::size_t>(row * width + piece.source_begin), count);
  };
  const auto index = static_cast<std::size_t>(prompt - first_);
  switch (plan_->source_.kind) {
    case SourceKind::kOtherRun:
    case SourceKind::kResample:
      return runs_.values(piece.name, prompt - first_, piece.source_position, piece.source_begin,
                          piece.count);
    case SourceKind::kZero:
      return std::span(zeros_).first(count);
    case SourceKind::kMean:
      return within(plan_->means_.at("").at(piece.name), 0, 0);
    case SourceKind::kMeanByPosition:
    case SourceKind::kMeanByTemplate: {
      const Tensor& rows = plan_->means_.at(plan_->mean_class(prompt)).at(piece.name);
      const auto length = static_cast<std::int64_t>(plan_->sides_.other(prompt).size());
      return within(rows, piece.source_position, rows.size() / length);
    }
    case SourceKind::kGaussian: {
      const Tensor& rows = noisy_[index].at(piece.name);
      return within(rows, piece.source_position, rows.shape()[1]);
    }
  }
  return {};
}

}  // namespace patchbay
