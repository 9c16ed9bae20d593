#include "patchbay/patching/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "patchbay/base/error.h"
#include "patchbay/patching/engine.h"

namespace patchbay {

struct Session::Shared {
  explicit Shared(CellStore* given) : store(given == nullptr ? &own_store : given) {}
  CellStore own_store;
  CellStore* store;
  KeptRuns runs;
  MeanCache means;
  std::string weights_sha256;
};

Session::Session(const RunContext& ctx, const HookedTransformer& model, const PromptSet& prompts,
                 CellStore* store)
    : ctx_(ctx), model_(model), prompts_(prompts), shared_(std::make_shared<Shared>(store)) {}

Session::Session(const Session& other, const PromptSet& prompts)
    : ctx_(other.ctx_),
      model_(other.model_),
      prompts_(prompts),
      shard_(other.shard_),
      is_last_(other.is_last_),
      shared_(other.shared_) {}

Session Session::with(const PromptSet& prompts) const { return {*this, prompts}; }

Session Session::for_last_question() const {
  Session last = *this;
  last.is_last_ = true;
  return last;
}

Session Session::for_several_questions() const {
  Session several = *this;
  several.is_last_ = false;
  return several;
}

Session Session::part(const Shard& shard) const {
  if (shard.number < 0 || shard.number >= shard.count) {
    throw Error(ErrorKind::kUsage, "shard",
                fmt::format("there is no shard {} of {}; they are numbered from 0", shard.number,
                            shard.count));
  }
  Session part = *this;
  part.shard_ = shard;
  return part;
}

SweepResult Session::ask(const PathSweep& sweep) const {
  CellStore forgotten;
  const auto& known = metrics::all();
  const bool is_known = std::ranges::find(known, &sweep.metric) != known.end();
  return patchbay::ask({ctx_, model_, prompts_, shared_->runs, shared_->means,
                        is_known ? *shared_->store : forgotten, shard_, is_last_},
                       sweep);
}

CellStore& Session::store() const { return *shared_->store; }

const std::string& Session::weights_sha256() const { return shared_->weights_sha256; }

void Session::set_weights_sha256(std::string sha256) {
  shared_->weights_sha256 = std::move(sha256);
}

SweepResult Session::run(const Sweep& sweep) const {
  check_sweep(model_, prompts_, sweep);
  PathSweep all{.direction = sweep.direction,
                .paths = {},
                .source = sweep.source,
                .metric = sweep.metric,
                .meaning = PathMeaning::kEverything,
                .embedding_edits = sweep.embedding_edits};
  for (const Intervention& variant : sweep.variants) all.paths.push_back({variant, {}, false});
  return ask(all);
}

SweepResult Session::run(const PathSweep& sweep) const {
  check_path_sweep(model_, prompts_, sweep);
  return ask(sweep);
}

SharedRun Session::base_run(const std::vector<Prompt>& prompts) const {
  if (auto known = shared_->runs.find(prompts)) return std::move(*known);
  const std::int64_t most_bytes = ctx_.max_memory() / 2;
  const std::int64_t bytes = tokens_of(distinct(prompts)) * base_run_bytes(model_.cfg());
  return is_last_ || bytes > most_bytes ? new_base_run(ctx_, model_, prompts)
                                        : shared_->runs.add(ctx_, model_, prompts, most_bytes);
}

SweepResult run_sweep(const RunContext& ctx, const HookedTransformer& model,
                      const PromptSet& prompts, const Sweep& sweep) {
  return Session(ctx, model, prompts).for_last_question().run(sweep);
}

SweepResult run_path_sweep(const RunContext& ctx, const HookedTransformer& model,
                           const PromptSet& prompts, const PathSweep& sweep) {
  return Session(ctx, model, prompts).for_last_question().run(sweep);
}

}  // namespace patchbay
