// Times patchbay's side of bench/peers/compare_patching.py: whole sweeps of activation patching.
//
// Usage: patchbay_patching_timing MODEL_FOLDER PROMPTS.json THREADS OUT.npz [MAX_MEMORY]
// PROMPTS.json holds ten prompts of fourteen tokens. Each case corrupts them by replacing the
// tokens of some positions; the answer and the wrong answer of prompt i are tokens 100 + i and 300
// + i. Prints one JSON object: seconds, floating-point work and FMA peak of each case, and peak
// memory. OUT.npz gets the mean logit difference of every cell.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>

#include "bench/support/fma_peak.h"
#include "bench/support/timing.h"
#include "patchbay/families/family.h"
#include "patchbay/io/npy.h"
#include "patchbay/patching/sweep.h"

namespace {

using namespace patchbay;
using bench::now;
using bench::peak_megabytes;

// The ten prompts, and the same with other tokens at some positions.
PromptSet pairs(const std::string& prompts_file, const std::vector<std::size_t>& positions) {
  PromptSet set;
  set.task = "timing";
  for (Prompt& prompt : bench::read_prompts(prompts_file)) {
    PromptPair& pair = set.pairs.emplace_back();
    pair.clean = std::move(prompt);
    pair.corrupted = pair.clean;
    const auto i = static_cast<TokenId>(set.pairs.size() - 1);
    for (const std::size_t position : positions) {
      pair.corrupted[position] = static_cast<TokenId>(1000 + 37 * i + 1000 * std::ssize(positions) +
                                                      static_cast<TokenId>(position));
    }
    pair.answers = {100 + i};
    pair.wrongs = {300 + i};
  }
  return set;
}

struct Case {
  const char* name;
  Direction direction;
  std::vector<std::size_t> corrupted;  // positions
  std::vector<Intervention> variants;
};

std::vector<Intervention> all_heads() {
  std::vector<Intervention> variants;
  for (int layer = 0; layer < 12; ++layer) {
    for (std::int64_t head = 0; head < 12; ++head) {
      variants.push_back({{.site = HookPoint::kZ, .layer = layer, .head = head}});
    }
  }
  return variants;
}

std::vector<Intervention> all_positions() {
  std::vector<Intervention> variants;
  for (int layer = 0; layer < 12; ++layer) {
    for (std::int32_t position = 0; position < 14; ++position) {
      variants.push_back(
          {{.site = HookPoint::kResidPre, .layer = layer, .positions = Positions::at(position)}});
    }
  }
  return variants;
}

int run(const std::string& folder, const std::string& prompts_file, int threads,
        const std::string& out, std::int64_t max_memory) {
  const RunContext ctx({.threads = threads, .max_memory = max_memory});
  const HookedTransformer model = load_model(ctx, folder);
  const double loaded = peak_megabytes();
  const Case cases[] = {
      {"walkthrough", Direction::kDenoise, {1, 3, 9}, all_heads()},
      {"resid_pre", Direction::kDenoise, {1, 3, 9}, all_positions()},
      {"lab_heads", Direction::kNoise, {9}, all_heads()},
  };
  NpzWriter npz(out);
  std::string text = "{";
  for (const Case& c : cases) {
    const PromptSet prompts = pairs(prompts_file, c.corrupted);
    const Sweep sweep{.prompts = prompts,
                      .direction = c.direction,
                      .variants = c.variants,
                      .metric = metrics::find("logit_diff")};
    const double peak_before = bench::fma_peak(threads);
    const std::int64_t work = ctx.work();
    const double begin = now();
    const SweepResult result = run_sweep(ctx, model, sweep);
    const double seconds = now() - begin;
    const double gigaflop = static_cast<double>(ctx.work() - work) * 1e-9;
    const double peak = (peak_before + bench::fma_peak(threads)) / 2;
    text += fmt::format("\"{}\": {{\"seconds\": {}, \"gigaflop\": {}, \"peak\": {}}}, ", c.name,
                        seconds, gigaflop, peak);
    Tensor means({std::ssize(c.variants)});
    for (std::size_t variant = 0; variant < c.variants.size(); ++variant) {
      double sum = 0.0;
      for (std::size_t i = 0; i < 10; ++i) sum += result.values[variant * 10 + i];
      means.flat()[variant] = static_cast<float>(sum / 10);
    }
    npz.add(c.name, means);
  }
  npz.close();
  fmt::print("{}\"loaded_megabytes\": {}, \"peak_megabytes\": {}}}\n", text, loaded,
             peak_megabytes());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5 && argc != 6) {
    std::fputs(
        "usage: patchbay_patching_timing MODEL_FOLDER PROMPTS.json THREADS OUT.npz [MAX_MEMORY]\n",
        stderr);
    return 2;
  }
  try {
    const std::int64_t memory = argc == 6 ? std::stoll(argv[5]) : RunOptions::kDefaultMemory;
    return run(argv[1], argv[2], std::stoi(argv[3]), argv[4], memory);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
