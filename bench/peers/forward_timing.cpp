// Times patchbay's side of bench/peers/compare.py: loading, and forward passes of given prompts.
//
// Usage: patchbay_forward_timing MODEL_FOLDER PROMPTS.json THREADS OUT.npz
// Prints one JSON object: the instruction set, seconds of loading, the median seconds of each case,
// the FMA peaks before and after, and the peak resident memory. OUT.npz gets the last-token logits
// of every case.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "bench/support/fma_peak.h"
#include "bench/support/timing.h"
#include "patchbay/families/family.h"
#include "patchbay/io/npy.h"
#include "patchbay/tensor/target.h"

namespace {

using namespace patchbay;
using bench::now;
using bench::peak_megabytes;

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

int run(const std::string& folder, const std::string& prompts_file, int threads,
        const std::string& out) {
  const RunContext ctx({.threads = threads});
  const double begin = now();
  const HookedTransformer model = load_model(ctx, folder);
  const double load_seconds = now() - begin;
  const double load_megabytes = peak_megabytes();

  const std::vector<Prompt> ten = bench::read_prompts(prompts_file);
  const std::vector<Prompt> one = {ten[0]};
  const Demand last{.logits = Demand::At::kLastPosition};

  const double one_peak_before = bench::fma_peak(1);
  const double two_peak_before = bench::fma_peak(2);
  const double one_last = median_seconds([&] { (void)model.run(ctx, one, last); });
  const double one_all = median_seconds([&] { (void)model.run(ctx, one); });
  const double ten_last = median_seconds([&] { (void)model.run(ctx, ten, last); });
  const double ten_all = median_seconds([&] { (void)model.run(ctx, ten); });
  const double one_peak_after = bench::fma_peak(1);
  const double two_peak_after = bench::fma_peak(2);

  NpzWriter npz(out);
  npz.add("ten_last", model.run(ctx, ten, last).values);
  npz.add("one_all", model.run(ctx, one).values);
  npz.close();
  fmt::print(
      "{{\"target\": \"{}\", \"load\": {}, \"load_megabytes\": {}, \"one_last\": {}, "
      "\"one_all\": {}, \"ten_last\": {}, \"ten_all\": {}, \"one_thread_peak\": [{}, {}], "
      "\"two_thread_peak\": [{}, {}], \"peak_megabytes\": {}}}\n",
      current_target().name, load_seconds, load_megabytes, one_last, one_all, ten_last, ten_all,
      one_peak_before, one_peak_after, two_peak_before, two_peak_after, peak_megabytes());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fputs("usage: patchbay_forward_timing MODEL_FOLDER PROMPTS.json THREADS OUT.npz\n",
               stderr);
    return 2;
  }
  try {
    return run(argv[1], argv[2], std::stoi(argv[3]), argv[4]);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
