#include "patchbay/patching/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "patchbay/base/error.h"
#include "patchbay/base/split_mix.h"
#include "patchbay/base/suggest.h"
#include "patchbay/patching/gaussian.h"

namespace patchbay {
namespace {

// A stream of its own for every prompt and activation: what else is patched draws no other numbers.
std::uint64_t random_stream(std::uint64_t seed, std::int64_t prompt, const HookName& name) {
  return mixed_seed({seed, static_cast<std::uint64_t>(prompt),
                     static_cast<std::uint64_t>(name.layer),
                     static_cast<std::uint64_t>(info(name.point).number)});
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

bool is_mean(SourceKind kind) {
  return kind == SourceKind::kMean || kind == SourceKind::kMeanByPosition ||
         kind == SourceKind::kMeanByTemplate;
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

bool reads_other_side(SourceKind kind) { return kind == SourceKind::kOtherRun || is_mean(kind); }

const Prompt& Sides::base(std::int64_t prompt) const {
  const PromptPair& pair = prompts.pairs[static_cast<std::size_t>(prompt)];
  return direction == Direction::kDenoise ? pair.corrupted : pair.clean;
}

const Prompt& Sides::other(std::int64_t prompt) const {
  const PromptPair& pair = prompts.pairs[static_cast<std::size_t>(prompt)];
  return direction == Direction::kDenoise ? pair.clean : pair.corrupted;
}

const std::vector<TokenSpan>& Sides::base_positions(std::int64_t prompt) const {
  const PromptPair& pair = prompts.pairs[static_cast<std::size_t>(prompt)];
  return direction == Direction::kDenoise ? pair.corrupted_positions : pair.positions;
}

const std::vector<TokenSpan>& Sides::other_positions(std::int64_t prompt) const {
  const PromptPair& pair = prompts.pairs[static_cast<std::size_t>(prompt)];
  return direction == Direction::kDenoise ? pair.positions : pair.corrupted_positions;
}

std::int64_t Sides::tokens_alike(std::int64_t prompt) const {
  const Prompt& tokens = base(prompt);
  return std::ranges::mismatch(tokens, other(prompt)).in1 - tokens.begin();
}

std::int64_t Sides::rows_reached(std::int64_t prompt, std::span<const Piece> pieces,
                                 std::int64_t alike) const {
  const std::int64_t length = std::ssize(base(prompt));
  std::int64_t first = length;
  for (const Piece& piece : pieces) {
    const bool same = piece.position < alike && piece.position == piece.source_position &&
                      piece.begin == piece.source_begin;
    if (!same) first = std::min<std::int64_t>(first, piece.position);
  }
  return length - first;
}

SourcePlan::SourcePlan(const Sides& sides, const Source& source, const std::vector<HookName>& names)
    : sides_(sides), source_(source), names_(names) {
  if (source.kind == SourceKind::kResample) draw();
  if (!is_mean(source.kind)) return;
  for (const HookName& name : names) {
    if (source.kind != SourceKind::kMean || !is_attention(name.point)) continue;
    throw Error(ErrorKind::kUsage, "source",
                fmt::format("{} has no mean over positions, since rows end at different "
                            "keys; take mean_by_position or mean_by_template",
                            name.str()));
  }
  KeyMaker averaged;
  for (std::int64_t i = 0; i < sides.prompts.size(); ++i) {
    averaged.add(sides.other(i)).add(mean_class(i));
  }
  averaged_ = averaged.key();
}

void SourcePlan::draw() {
  SplitMix64 random(source_.seed);
  const std::int64_t prompts = sides_.prompts.size();
  for (std::int64_t i = 0; i < prompts; ++i) {
    std::vector<std::int64_t> candidates;
    for (std::int64_t j = 0; j < prompts; ++j) {
      if (j != i && sides_.base(j).size() == sides_.base(i).size()) candidates.push_back(j);
    }
    if (candidates.empty()) {
      throw Error(ErrorKind::kBadData, sides_.prompts.task,
                  fmt::format("prompt {} is the only one of {} tokens, so there is none to "
                              "resample it from; take more prompts",
                              i, sides_.base(i).size()));
    }
    resampled_.push_back(candidates[random.below(candidates.size())]);
  }
}

void SourcePlan::prepare(const SweepRuns& runs, std::int64_t prompts_at_once, MeanCache& means) {
  if (!is_mean(source_.kind) || !means_.empty()) return;
  const HookedTransformerConfig& cfg = runs.model.cfg();
  const std::int64_t prompts = sides_.prompts.size();
  std::vector<HookName> unknown;
  for (const HookName& name : names_) {
    if (prompts > 0 && !means.contains(mean_key(mean_class(0), name))) unknown.push_back(name);
  }
  std::map<std::string, std::map<HookName, Sum>> sums;
  for (std::int64_t first = 0; first < prompts && !unknown.empty(); first += prompts_at_once) {
    const std::int64_t last = std::min(prompts, first + prompts_at_once);
    std::vector<Prompt> chunk;
    for (std::int64_t i = first; i < last; ++i) chunk.push_back(sides_.other(i));
    const Recording recording = runs.recording(chunk, unknown);
    for (std::int64_t i = first; i < last; ++i) {
      const auto length = static_cast<std::int64_t>(sides_.other(i).size());
      for (const HookName& name : unknown) {
        const bool one_row = source_.kind == SourceKind::kMean;
        const auto width = static_cast<std::size_t>(row_width(cfg, name, length));
        Sum& sum = sums[mean_class(i)][name];
        sum.total.resize(width * (one_row ? 1 : static_cast<std::size_t>(length)));
        sum.count += one_row ? length : 1;
        for (std::int32_t position = 0; position < length; ++position) {
          const std::size_t row = one_row ? 0 : static_cast<std::size_t>(position) * width;
          for_each_part(cfg, name, length, [&](std::int64_t begin, std::int64_t count) {
            add(recording.values(name, i - first, position, begin, count),
                row + static_cast<std::size_t>(begin), sum);
          });
        }
      }
    }
  }
  for (auto& [of_class, by_name] : sums) {
    for (auto& [name, sum] : by_name) {
      Tensor mean = Tensor::uninitialized({static_cast<std::int64_t>(sum.total.size())});
      for (std::size_t i = 0; i < sum.total.size(); ++i) {
        mean.flat()[i] = static_cast<float>(sum.total[i] / static_cast<double>(sum.count));
      }
      means.emplace(mean_key(of_class, name), std::move(mean));
      sum = {};
    }
  }
  for (std::int64_t i = 0; i < prompts; ++i) {
    const std::string of_class = mean_class(i);
    const auto [own, is_new] = means_.try_emplace(of_class);
    means_of_.push_back(&own->second);
    for (const HookName& name : names_) {
      if (is_new) own->second[name] = &means.at(mean_key(of_class, name));
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

CellKey SourcePlan::mean_key(const std::string& of_class, const HookName& name) const {
  return KeyMaker().add(name_of(source_.kind)).add(averaged_).add(of_class).add(name.str()).key();
}

std::map<std::string, std::int64_t> SourcePlan::first_of_classes() const {
  std::map<std::string, std::int64_t> first;
  for (std::int64_t i = 0; is_mean(source_.kind) && i < sides_.prompts.size(); ++i) {
    first.emplace(mean_class(i), i);
  }
  return first;
}

std::int64_t SourcePlan::size_of_means(const HookedTransformerConfig& cfg) const {
  std::int64_t size = 0;
  for (const auto& [of_class, prompt] : first_of_classes()) {
    const std::int64_t length = std::ssize(sides_.other(prompt));
    const std::int64_t rows = source_.kind == SourceKind::kMean ? 1 : length;
    for (const HookName& name : names_) size += rows * row_width(cfg, name, length);
  }
  return size;
}

std::int64_t SourcePlan::make_room(std::int64_t most_bytes, MeanCache& means) const {
  std::set<CellKey> own;
  for (const auto& [of_class, prompt] : first_of_classes()) {
    for (const HookName& name : names_) own.insert(mean_key(of_class, name));
  }
  std::int64_t bytes = 0;
  for (const auto& [key, mean] : means) {
    if (!own.contains(key)) bytes += mean.size() * static_cast<std::int64_t>(sizeof(float));
  }
  if (bytes <= most_bytes) return bytes;
  std::erase_if(means, [&](const auto& one) { return !own.contains(one.first); });
  return 0;
}

const Prompt& SourcePlan::source_prompt(std::int64_t prompt) const {
  switch (source_.kind) {
    case SourceKind::kOtherRun:
      return sides_.other(prompt);
    case SourceKind::kResample:
      return sides_.base(resampled_[static_cast<std::size_t>(prompt)]);
    default:
      return sides_.base(prompt);
  }
}

const std::vector<TokenSpan>& SourcePlan::source_positions(std::int64_t prompt) const {
  switch (source_.kind) {
    case SourceKind::kResample:
      return sides_.base_positions(resampled_[static_cast<std::size_t>(prompt)]);
    case SourceKind::kZero:
    case SourceKind::kGaussian:
      return sides_.base_positions(prompt);
    default:
      return sides_.other_positions(prompt);
  }
}

const Tensor& SourcePlan::mean(std::int64_t prompt, const HookName& name) const {
  return *means_of_[static_cast<std::size_t>(prompt)]->at(name);
}

void SourcePlan::add_to(KeyMaker& key, std::int64_t prompt) const {
  key.add(name_of(source_.kind));
  if (source_.kind == SourceKind::kResample) key.add(source_prompt(prompt));
  if (is_mean(source_.kind)) key.add(averaged_).add(mean_class(prompt));
  if (source_.kind == SourceKind::kGaussian) {  // drawn by the prompt's number
    key.add(static_cast<std::int64_t>(source_.seed)).add(source_.sigma).add(prompt);
  }
}

SourceValues::SourceValues(const SweepRuns& runs, const SourcePlan& plan, std::int64_t first,
                           std::int64_t last, const Demand& demand)
    : plan_(&plan), first_(first) {
  const HookedTransformerConfig& cfg = runs.model.cfg();
  const Source& source = plan.source();
  if (is_mean(source.kind)) return;
  if (source.kind == SourceKind::kZero) {
    std::int64_t widest = 0;
    for (const HookName& name : plan.names()) {
      widest = std::max(widest, row_width(cfg, name, plan.sides().prompts.longest()));
    }
    zeros_.resize(static_cast<std::size_t>(widest));
    return;
  }
  std::vector<Prompt> prompts;
  for (std::int64_t i = first; i < last; ++i) prompts.push_back(plan.source_prompt(i));
  recording_ = source.kind == SourceKind::kOtherRun ? runs.recording(prompts, plan.names(), demand)
                                                    : runs.recording(prompts, plan.names());
  if (source.kind == SourceKind::kGaussian) add_noise(cfg, last);
}

// The patched run's own values with noise, in the place of the recording.
void SourceValues::add_noise(const HookedTransformerConfig& cfg, std::int64_t last) {
  const Source& source = plan_->source();
  for (std::int64_t i = first_; i < last; ++i) {
    std::map<HookName, Tensor>& own_rows = noisy_.emplace_back();
    const auto length = static_cast<std::int64_t>(plan_->source_prompt(i).size());
    for (const HookName& name : plan_->names()) {
      Gaussian gaussian(random_stream(source.seed, i, name));
      const std::int64_t width = row_width(cfg, name, length);
      Tensor rows({length, width});
      for (std::int32_t position = 0; position < length; ++position) {
        for_each_part(cfg, name, length, [&](std::int64_t begin, std::int64_t count) {
          const auto own = recording_.values(name, i - first_, position, begin, count);
          for (std::size_t k = 0; k < own.size(); ++k) {
            const auto noise = static_cast<float>(source.sigma * gaussian.next());
            rows(position, begin + static_cast<std::int64_t>(k)) = own[k] + noise;
          }
        });
      }
      own_rows[name] = std::move(rows);
    }
  }
  recording_ = {};
}

std::span<const float> SourceValues::values(std::int64_t prompt, const Piece& piece) const {
  const auto count = static_cast<std::size_t>(piece.count);
  const auto within = [&](const Tensor& rows, std::int64_t row, std::int64_t width) {
    return rows.flat().subspan(static_cast<std::size_t>(row * width + piece.source_begin), count);
  };
  switch (plan_->source().kind) {
    case SourceKind::kOtherRun:
    case SourceKind::kResample:
      return recording_.values(piece.name, prompt - first_, piece.source_position,
                               piece.source_begin, piece.count);
    case SourceKind::kZero:
      return std::span(zeros_).first(count);
    case SourceKind::kMean:
      return within(plan_->mean(prompt, piece.name), 0, 0);
    case SourceKind::kMeanByPosition:
    case SourceKind::kMeanByTemplate: {
      const Tensor& rows = plan_->mean(prompt, piece.name);
      const auto length = static_cast<std::int64_t>(plan_->sides().other(prompt).size());
      return within(rows, piece.source_position, rows.size() / length);
    }
    case SourceKind::kGaussian: {
      const Tensor& rows = noisy_[static_cast<std::size_t>(prompt - first_)].at(piece.name);
      return within(rows, piece.source_position, rows.shape()[1]);
    }
  }
  return {};
}

}  // namespace patchbay
