// How the time of a sweep grows with prompts, prompt length, layers and width, and the memory that
// it really takes under several budgets.
//
// Usage: patchbay_patching_growth [THREADS]
// The sweep patches each head's z (noising, one corrupted token in the middle) in a model of GPT-2
// small's width with made-up weights and a vocabulary of 1,000 tokens. Prints Markdown tables; the
// exponent of a row is that against the row before it, the fitted one that of the straight line
// through the logarithms of all rows (least squares).
#include <fmt/format.h>
#include <malloc.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "bench/support/fma_peak.h"
#include "bench/support/timing.h"
#include "patchbay/base/split_mix.h"
#include "patchbay/patching/session.h"

namespace {

using namespace patchbay;

constexpr std::int64_t kHead = 64;  // d_head; a model has d_model / 64 heads
constexpr std::int64_t kVocabulary = 1000;

HookedTransformer made_up_model(const RunContext& ctx, std::int64_t n_layers,
                                std::int64_t d_model = 768) {
  HookedTransformerConfig cfg{.model_name = "made-up",
                              .n_layers = n_layers,
                              .n_heads = d_model / kHead,
                              .d_model = d_model,
                              .d_head = kHead,
                              .d_mlp = 4 * d_model,
                              .n_ctx = 1024,
                              .d_vocab = kVocabulary,
                              .attn_scale = 8.0F};
  Weights weights = zero_weights(cfg);
  SplitMix64 random(1);
  for_each_weight(weights, [&](const std::string& name, Tensor& tensor) {
    const bool scale = name.ends_with("ln1.w") || name.ends_with("ln2.w") || name == "ln_final.w";
    for (float& value : tensor.flat()) {
      const double uniform = static_cast<double>(random.next() >> 11) * 0x1p-53;
      value = scale ? 1.0F : static_cast<float>(0.07 * (uniform - 0.5));
    }
  });
  return {ctx, cfg, std::move(weights)};
}

// The clean and the corrupted prompt differ at one position.
PromptSet made_up_pairs(std::int64_t prompts, std::int64_t length, std::int64_t corrupted) {
  PromptSet set;
  set.task = "growth";
  set.position_names = {"END"};
  SplitMix64 random(2);
  for (std::int64_t i = 0; i < prompts; ++i) {
    PromptPair& pair = set.pairs.emplace_back();
    for (std::int64_t position = 0; position < length; ++position) {
      pair.clean.push_back(static_cast<TokenId>(random.below(kVocabulary)));
    }
    pair.corrupted = pair.clean;
    TokenId& token = pair.corrupted[static_cast<std::size_t>(corrupted)];
    token = (token + 1) % kVocabulary;
    pair.positions = {static_cast<std::int32_t>(length) - 1};
    pair.corrupted_positions = pair.positions;
    pair.answers = {1};
    pair.wrongs = {2};
  }
  return set;
}

struct Timing {
  double seconds;
  double gigaflop;
};

Timing time_sweep(const RunContext& ctx, const HookedTransformer& model, const PromptSet& pairs) {
  std::vector<Intervention> variants;
  for (int layer = 0; layer < model.cfg().n_layers; ++layer) {
    for (std::int64_t head = 0; head < model.cfg().n_heads; ++head) {
      variants.push_back({{.site = HookPoint::kZ, .layer = layer, .head = head}});
    }
  }
  const Sweep sweep{.direction = Direction::kNoise,
                    .variants = std::move(variants),
                    .metric = metrics::find("logit_diff")};
  const std::int64_t work = ctx.flops();
  const double begin = bench::now();
  (void)run_sweep(ctx, model, pairs, sweep);
  return {bench::now() - begin, static_cast<double>(ctx.flops() - work) * 1e-9};
}

// The slope of the straight line through (log size, log value), by least squares.
double fitted_exponent(const std::vector<double>& sizes, const std::vector<double>& values) {
  double x = 0.0, y = 0.0, xx = 0.0, xy = 0.0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const double log_size = std::log(sizes[i]);
    const double log_value = std::log(values[i]);
    x += log_size;
    y += log_value;
    xx += log_size * log_size;
    xy += log_size * log_value;
  }
  const auto n = static_cast<double>(sizes.size());
  return (n * xy - x * y) / (n * xx - x * x);
}

// One table, row by row; finish() adds the fitted exponents.
class GrowthTable {
 public:
  GrowthTable(const char* what, int threads) : threads_(threads) {
    fmt::print(
        "\n| {} | time | exponent | work | exponent | rate | FMA peak | share |\n"
        "|---|---|---|---|---|---|---|---|\n",
        what);
  }

  void add(std::int64_t size, const Timing& timing, double peak) {
    const auto exponent = [&](double now, const std::vector<double>& before) {
      return before.empty()
                 ? std::string("–")
                 : fmt::format("{:.2f}", std::log(now / before.back()) /
                                             std::log(static_cast<double>(size) / sizes_.back()));
    };
    const double rate = timing.gigaflop / timing.seconds;
    fmt::print(
        "| {} | {:.2f} s | {} | {:.1f} GFLOP | {} | {:.0f} GFLOP/s | {:.0f} GFLOP/s | {:.2f} |\n",
        size, timing.seconds, exponent(timing.seconds, seconds_), timing.gigaflop,
        exponent(timing.gigaflop, work_), rate, peak, rate / peak);
    std::fflush(stdout);
    sizes_.push_back(static_cast<double>(size));
    seconds_.push_back(timing.seconds);
    work_.push_back(timing.gigaflop);
  }

  void finish() const {
    fmt::print("| all | fitted | **{:.2f}** | fitted | **{:.2f}** | | | |\n",
               fitted_exponent(sizes_, seconds_), fitted_exponent(sizes_, work_));
    std::fflush(stdout);
  }

  void measure(const RunContext& ctx, const HookedTransformer& model, std::int64_t size,
               std::int64_t prompts, std::int64_t length) {
    const double before = bench::fma_peak(threads_);
    const Timing timing = time_sweep(ctx, model, made_up_pairs(prompts, length, length / 2));
    add(size, timing, (before + bench::fma_peak(threads_)) / 2);
  }

 private:
  int threads_;
  std::vector<double> sizes_;
  std::vector<double> seconds_;
  std::vector<double> work_;
};

// What the kernel says of this process, in MiB: VmRSS is now, VmHWM the most since forget_peak().
double status_mebibytes(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field + ":")) return std::stod(line.substr(field.size() + 1)) / 1024.0;
  }
  return 0.0;
}

void forget_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

void measure_memory(int threads) {
  constexpr std::int64_t kMebi = std::int64_t{1} << 20;
  const RunContext loading({.threads = threads});
  const HookedTransformer model = made_up_model(loading, 12);
  // From the second token on everything changes: the most that a sweep may need.
  const PromptSet pairs = made_up_pairs(20, 14, 1);
  fmt::print("\n| `--max-memory` | most memory beside the loaded model | time |\n|---|---|---|\n");
  for (const std::int64_t mebi : {32, 64, 128, 256, 512, 1024}) {
    const RunContext ctx({.threads = threads, .max_memory = mebi * kMebi});
    malloc_trim(0);  // gives back what loading and the run before it left with the allocator
    forget_peak();
    const double before = status_mebibytes("VmRSS");
    const Timing timing = time_sweep(ctx, model, pairs);
    fmt::print("| {} MiB | {:.0f} MiB | {:.2f} s |\n", mebi, status_mebibytes("VmHWM") - before,
               timing.seconds);
    std::fflush(stdout);
  }
}

void run(int threads) {
  const RunContext ctx({.threads = threads});
  {
    const HookedTransformer model = made_up_model(ctx, 12);
    GrowthTable by_prompts("prompts", threads);
    for (const std::int64_t prompts : {1, 2, 5, 10, 20, 50, 100, 200, 500}) {
      by_prompts.measure(ctx, model, prompts, prompts, 14);
    }
    by_prompts.finish();
    GrowthTable by_length("tokens in a prompt", threads);
    for (const std::int64_t length : {8, 16, 32, 64, 128, 256}) {
      by_length.measure(ctx, model, length, 4, length);
    }
    by_length.finish();
  }
  GrowthTable by_layers("layers", threads);
  for (const std::int64_t layers : {2, 4, 8, 16, 30}) {
    by_layers.measure(ctx, made_up_model(ctx, layers), layers, 10, 14);
  }
  by_layers.finish();
  GrowthTable by_width("d_model", threads);
  for (const std::int64_t d_model : {128, 256, 512, 768, 1024}) {
    by_width.measure(ctx, made_up_model(ctx, 12, d_model), d_model, 10, 14);
  }
  by_width.finish();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int threads = argc > 1 ? std::stoi(argv[1]) : 2;
    mallopt(M_MMAP_THRESHOLD, 2 << 20);  // as the command does (cli/main.cpp)
    fmt::print("{} thread(s)\n", threads);
    measure_memory(threads);  // first: what later runs leave with the allocator is not theirs
    run(threads);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
