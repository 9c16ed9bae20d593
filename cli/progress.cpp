#include "cli/progress.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

namespace patchbay::cli {
namespace {

constexpr int kBar = 20;

std::string time_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

std::string bar_text(double share) {
  const int full = static_cast<int>(share * kBar);
  std::string bar;
  for (int i = 0; i < kBar; ++i) bar += i < full ? "█" : "░";
  return bar;
}

}  // namespace

void Progress::begin(std::string what) {
  clear();
  what_ = std::move(what);
  begin_ = Clock::now();
  shown_ = {};
  first_ = -1;
  last_ = 0;
}

std::function<void(std::int64_t, std::int64_t)> Progress::function() {
  if (is_quiet()) return {};
  return [this](std::int64_t done, std::int64_t total) { show(done, total); };
}

void Progress::show(std::int64_t done, std::int64_t total) {
  const Clock::time_point now = Clock::now();
  if (first_ < 0 || done < last_) {  // an experiment may be several sweeps
    first_ = done;
    begin_ = now;
  }
  last_ = done;
  const double elapsed = std::chrono::duration<double>(now - begin_).count();
  const double since = std::chrono::duration<double>(now - shown_).count();
  if (elapsed < 1.0 || done <= first_ || since < (line_.moves() ? 0.1 : 10.0)) return;
  shown_ = now;
  const double rate = static_cast<double>(done - first_) / elapsed;
  const double left = static_cast<double>(total - done) / rate;
  const double share = total == 0 ? 1.0 : static_cast<double>(done) / static_cast<double>(total);
  line_.show(
      fmt::format("{}{}{} of {} done, {:.3g} a second, {} left", what_.empty() ? "" : what_ + ": ",
                  line_.moves() ? bar_text(share) + " " : "", done, total, rate, time_text(left)));
}

}  // namespace patchbay::cli
