// patchbay's side of bench/peers/compare.py: the work of work.py, done by the library.
//
// Usage: patchbay_timing MODEL_FOLDER PROMPTS.json THREADS OUT.npz
// PROMPTS.json holds twenty prompts of fourteen tokens. A case corrupts them by replacing the
// tokens of some positions; the answer and the wrong answer of prompt i are tokens 100 + i and 300
// + i. Prints one JSON object: seconds of each case; for sweeps also floating-point work and FMA
// peak; memory. OUT.npz gets the numbers that the other tools' are compared with.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>

#include "bench/support/fma_peak.h"
#include "bench/support/timing.h"
#include "patchbay/families/family.h"
#include "patchbay/io/npy.h"
#include "patchbay/patching/session.h"
#include "patchbay/tensor/target.h"

namespace {

using namespace patchbay;
using bench::now;
using bench::peak_megabytes;

constexpr std::int32_t kEnd = 13;

PromptSet pairs(const std::vector<Prompt>& prompts, const std::vector<std::size_t>& positions) {
  PromptSet set;
  set.task = "timing";
  for (const Prompt& prompt : prompts) {
    const auto i = static_cast<TokenId>(set.pairs.size());
    PromptPair& pair = set.pairs.emplace_back();
    pair.clean = prompt;
    pair.corrupted = prompt;
    for (const std::size_t position : positions) {
      pair.corrupted[position] = static_cast<TokenId>(1000 + 37 * i + 1000 * std::ssize(positions) +
                                                      static_cast<TokenId>(position));
    }
    pair.answers = {100 + i};
    pair.wrongs = {300 + i};
  }
  return set;
}

std::vector<Intervention> all_heads(const HookedTransformerConfig& cfg) {
  std::vector<Intervention> variants;
  for (int layer = 0; layer < cfg.n_layers; ++layer) {
    for (std::int64_t head = 0; head < cfg.n_heads; ++head) {
      variants.push_back({{.site = HookPoint::kZ, .layer = layer, .head = head}});
    }
  }
  return variants;
}

std::vector<Intervention> all_positions(const HookedTransformerConfig& cfg) {
  std::vector<Intervention> variants;
  for (int layer = 0; layer < cfg.n_layers; ++layer) {
    for (std::int32_t position = 0; position <= kEnd; ++position) {
      variants.push_back(
          {{.site = HookPoint::kResidPre, .layer = layer, .positions = Positions::at(position)}});
    }
  }
  return variants;
}

// From every head of the first layers, at END, to the logits or to queries at END.
std::vector<Path> paths_from_heads(const HookedTransformerConfig& cfg, int layers,
                                   const Intervention& receivers) {
  std::vector<Path> paths;
  for (int layer = 0; layer < layers; ++layer) {
    for (std::int64_t head = 0; head < cfg.n_heads; ++head) {
      Path path{
          {{.site = HookPoint::kZ, .layer = layer, .head = head, .positions = Positions::at(kEnd)}},
          {}};
      path.to_logits = receivers.empty();
      if (!receivers.empty()) path.receivers.push_back(receivers);
      paths.push_back(std::move(path));
    }
  }
  return paths;
}

// In GPT-2 small 9.9, 9.6 and 10.0, the paper's name movers; in other models heads as far up.
Intervention receiving_queries(const HookedTransformerConfig& cfg) {
  const auto first = static_cast<int>(3 * cfg.n_layers / 4);
  Intervention places;
  for (const auto& [layer, head] : {std::pair(first, 3 * cfg.n_heads / 4),
                                    std::pair(first, cfg.n_heads / 2), std::pair(first + 1, 0L)}) {
    places.push_back(
        {.site = HookPoint::kQ, .layer = layer, .head = head, .positions = Positions::at(kEnd)});
  }
  return places;
}

template <class Body>
double median_seconds(const Body& body) {
  constexpr int kRuns = 15;
  body();
  std::vector<double> seconds;
  for (int run = 0; run < kRuns; ++run) {
    const double begin = now();
    body();
    seconds.push_back(now() - begin);
  }
  std::ranges::sort(seconds);
  return seconds[kRuns / 2];
}

// What was timed: the text for JSON, and the mean of every cell.
class Report {
 public:
  Report(const RunContext& ctx, int threads, const std::string& out)
      : ctx_(ctx), threads_(threads), npz_(out) {}

  void passes(const char* name, double seconds) {
    text_ += fmt::format("\"{}\": {{\"seconds\": {}}}, ", name, seconds);
  }
  void values(const char* name, const Tensor& values) { npz_.add(name, values); }

  template <class Sweep>
  void sweep(const char* name, std::int64_t prompts, const Sweep& sweep) {
    const double peak_before = bench::fma_peak(threads_);
    const std::int64_t work = ctx_.flops();
    const double begin = now();
    const SweepResult result = sweep();
    const double seconds = now() - begin;
    const double gigaflop = static_cast<double>(ctx_.flops() - work) * 1e-9;
    const double peak = (peak_before + bench::fma_peak(threads_)) / 2;
    text_ += fmt::format("\"{}\": {{\"seconds\": {}, \"gigaflop\": {}, \"peak\": {}}}, ", name,
                         seconds, gigaflop, peak);
    Tensor means({std::ssize(result.values) / prompts});
    for (std::int64_t cell = 0; cell < means.shape()[0]; ++cell) {
      double sum = 0.0;
      for (std::int64_t i = 0; i < prompts; ++i) {
        sum += result.values[static_cast<std::size_t>(cell * prompts + i)];
      }
      means.flat()[static_cast<std::size_t>(cell)] =
          static_cast<float>(sum / static_cast<double>(prompts));
    }
    npz_.add(name, means);
  }
  std::string finish() {
    npz_.close();
    return text_;
  }

 private:
  const RunContext& ctx_;
  int threads_;
  NpzWriter npz_;
  std::string text_ = "{";
};

void time_passes(const RunContext& ctx, const HookedTransformer& model,
                 const std::vector<Prompt>& ten, Report& report) {
  const std::vector<Prompt> one = {ten[0]};
  const Demand last{.logits = Demand::At::kLastPosition};
  report.passes("forward_1", median_seconds([&] { (void)model.run(ctx, one); }));
  report.passes("forward_1_last", median_seconds([&] { (void)model.run(ctx, one, last); }));
  report.passes("forward_10", median_seconds([&] { (void)model.run(ctx, ten); }));
  report.passes("forward_10_last", median_seconds([&] { (void)model.run(ctx, ten, last); }));
  report.passes("run_with_cache", median_seconds([&] { (void)model.run_with_cache(ctx, ten); }));
  report.values("forward_1", model.run(ctx, one, last).values);
  report.values("forward_10", model.run(ctx, ten, last).values);
  const auto [logits, cache] = model.run_with_cache(ctx, ten);
  Tensor resid_post({140, model.cfg().d_model});
  std::ranges::copy(cache("resid_post", static_cast<int>(model.cfg().n_layers) - 1).flat(),
                    resid_post.flat().begin());
  report.values("run_with_cache", resid_post);
}

void time_sweeps(const RunContext& ctx, const HookedTransformer& model,
                 const std::vector<Prompt>& ten, const std::vector<Prompt>& twenty,
                 Report& report) {
  const auto patched = [&](const char* name, const PromptSet& prompts, Direction direction,
                           std::vector<Intervention> variants) {
    const Sweep sweep{.direction = direction,
                      .variants = std::move(variants),
                      .metric = metrics::find("logit_diff")};
    report.sweep(name, prompts.size(), [&] { return run_sweep(ctx, model, prompts, sweep); });
  };
  const PromptSet abc = pairs(ten, {1, 3, 9});
  const PromptSet lab = pairs(twenty, {9});
  patched("walkthrough", abc, Direction::kDenoise, all_heads(model.cfg()));
  // The lab's base is the uncorrupted prompt.
  patched("lab_heads", lab, Direction::kNoise, all_heads(model.cfg()));
  patched("lab_residual", lab, Direction::kNoise, all_positions(model.cfg()));

  const auto paths = [&](const char* name, std::vector<Path> every) {
    const PathSweep sweep{.paths = std::move(every), .metric = metrics::find("logit_diff")};
    report.sweep(name, abc.size(), [&] { return run_path_sweep(ctx, model, abc, sweep); });
  };
  const auto layers = static_cast<int>(model.cfg().n_layers);
  paths("paths_to_logits", paths_from_heads(model.cfg(), layers, {}));
  paths("paths_to_queries",
        paths_from_heads(model.cfg(), 3 * layers / 4 + 1, receiving_queries(model.cfg())));
}

int run(const std::string& folder, const std::string& prompts_file, int threads,
        const std::string& out) {
  const RunContext ctx({.threads = threads});
  const double begin = now();
  const HookedTransformer model = load_model(ctx, folder);
  const double load_seconds = now() - begin;
  const double loaded = peak_megabytes();
  const std::vector<Prompt> twenty = bench::read_prompts(prompts_file);
  const std::vector<Prompt> ten(twenty.begin(), twenty.begin() + 10);
  Report report(ctx, threads, out);
  report.passes("load", load_seconds);
  time_passes(ctx, model, ten, report);
  time_sweeps(ctx, model, ten, twenty, report);
  fmt::print(
      "{}\"target\": \"{}\", \"one_thread_peak\": {}, \"loaded_megabytes\": {}, "
      "\"peak_megabytes\": {}}}\n",
      report.finish(), current_target().name, bench::fma_peak(1), loaded, peak_megabytes());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fputs("usage: patchbay_timing MODEL_FOLDER PROMPTS.json THREADS OUT.npz\n", stderr);
    return 2;
  }
  try {
    return run(argv[1], argv[2], std::stoi(argv[3]), argv[4]);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
