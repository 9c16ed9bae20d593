// Times patchbay's side of bench/peers/compare_patching.py: whole sweeps of activation patching and
// of path patching.
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
#include "patchbay/circuits/path_patching.h"
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

// From every head of the first layers, at END, to the logits or to queries at END.
std::vector<Path> paths_from_heads(int layers, const Intervention& receivers) {
  const Positions end = Positions::at(13);
  std::vector<Path> paths;
  for (int layer = 0; layer < layers; ++layer) {
    for (std::int64_t head = 0; head < 12; ++head) {
      Path path{{{.site = HookPoint::kZ, .layer = layer, .head = head, .positions = end}}, {}};
      path.to_logits = receivers.empty();
      if (!receivers.empty()) path.receivers.push_back(receivers);
      paths.push_back(std::move(path));
    }
  }
  return paths;
}

Intervention queries_of_name_movers() {
  Intervention places;
  for (const auto& [layer, head] : {std::pair(9, 9), std::pair(9, 6), std::pair(10, 0)}) {
    places.push_back(
        {.site = HookPoint::kQ, .layer = layer, .head = head, .positions = Positions::at(13)});
  }
  return places;
}

struct PathCase {
  const char* name;
  std::vector<Path> paths;
};

// What was timed: the text for JSON, and the mean of every cell.
class Report {
 public:
  Report(const RunContext& ctx, int threads, const std::string& out)
      : ctx_(ctx), threads_(threads), npz_(out) {}

  template <class Sweep>
  void time(const char* name, const Sweep& sweep) {
    const double peak_before = bench::fma_peak(threads_);
    const std::int64_t work = ctx_.work();
    const double begin = now();
    const SweepResult result = sweep();
    const double seconds = now() - begin;
    const double gigaflop = static_cast<double>(ctx_.work() - work) * 1e-9;
    const double peak = (peak_before + bench::fma_peak(threads_)) / 2;
    text_ += fmt::format("\"{}\": {{\"seconds\": {}, \"gigaflop\": {}, \"peak\": {}}}, ", name,
                         seconds, gigaflop, peak);
    Tensor means({std::ssize(result.values) / 10});
    for (std::size_t cell = 0; cell < result.values.size() / 10; ++cell) {
      double sum = 0.0;
      for (std::size_t i = 0; i < 10; ++i) sum += result.values[cell * 10 + i];
      means.flat()[cell] = static_cast<float>(sum / 10);
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
  const PathCase path_cases[] = {
      {"paths_to_logits", paths_from_heads(12, {})},
      {"paths_to_queries", paths_from_heads(10, queries_of_name_movers())},
  };
  Report report(ctx, threads, out);
  for (const Case& c : cases) {
    const PromptSet prompts = pairs(prompts_file, c.corrupted);
    const Sweep sweep{.prompts = prompts,
                      .direction = c.direction,
                      .variants = c.variants,
                      .metric = metrics::find("logit_diff")};
    report.time(c.name, [&] { return run_sweep(ctx, model, sweep); });
  }
  for (const PathCase& c : path_cases) {
    const PromptSet prompts = pairs(prompts_file, {1, 3, 9});
    const PathSweep sweep{
        .prompts = prompts, .paths = c.paths, .metric = metrics::find("logit_diff")};
    report.time(c.name, [&] { return run_path_sweep(ctx, model, sweep); });
  }
  fmt::print("{}\"loaded_megabytes\": {}, \"peak_megabytes\": {}}}\n", report.finish(), loaded,
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
