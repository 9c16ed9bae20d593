// The order of slots within their layers.
#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "patchbay/base/stop_check.h"
#include "patchbay/report/layered_slots.h"

namespace patchbay {
namespace {

constexpr int kSweeps = 24;

// How many pairs of these cross: inversions of the second number in the order of both.
std::int64_t crossings(std::vector<std::pair<double, double>> ends) {
  std::ranges::sort(ends);
  std::vector<double> high;
  for (const auto& [low, top] : ends) high.push_back(top);
  std::vector<double> merged(high.size());
  std::int64_t count = 0;
  for (std::size_t half = 1; half < high.size(); half *= 2) {
    for (std::size_t begin = 0; begin < high.size(); begin += 2 * half) {
      const std::size_t middle = std::min(begin + half, high.size());
      const std::size_t end = std::min(begin + 2 * half, high.size());
      std::size_t left = begin;
      std::size_t right = middle;
      for (std::size_t out = begin; out < end; ++out) {
        if (right < end && (left == middle || high[right] < high[left])) {
          count += static_cast<std::int64_t>(middle - left);
          merged[out] = high[right++];
        } else {
          merged[out] = high[left++];
        }
      }
    }
    std::swap(high, merged);
  }
  return count;
}

class Order {
 public:
  explicit Order(LayeredSlots& made) : made_(made) {}

  // The best order that the sweeps meet.
  void order() {
    rank_.resize(made_.slots.size());
    for (std::size_t level = 0; level < made_.levels.size(); ++level) rank(level);
    auto best = made_.levels;
    std::int64_t fewest = all_crossings();
    for (int sweep = 0; sweep < kSweeps && fewest > 0; ++sweep) {
      stop_check();
      const bool is_down = sweep % 2 == 0;
      for (std::size_t step = 1; step < made_.levels.size(); ++step) {
        sort_level(is_down ? made_.levels.size() - 1 - step : step, is_down);
      }
      for (int round = 0; round < 8; ++round) {
        bool is_better = false;
        for (std::size_t level = 0; level < made_.levels.size(); ++level) {
          is_better = swap_neighbours(level) || is_better;
        }
        if (!is_better) break;
      }
      if (const std::int64_t count = all_crossings(); count < fewest) {
        fewest = count;
        best = made_.levels;
      }
    }
    made_.levels = std::move(best);
    for (std::size_t level = 0; level < made_.levels.size(); ++level) rank(level);
  }

 private:
  // The place of an end within its layer's order, 0 … n; ports count within a slot.
  [[nodiscard]] double rank_of(std::size_t slot, double port) const {
    return static_cast<double>(rank_[slot]) + 0.4 * port / std::max(made_.slots[slot].width, 1.0);
  }

  void rank(std::size_t level) {
    for (std::size_t i = 0; i < made_.levels[level].size(); ++i) rank_[made_.levels[level][i]] = i;
  }

  [[nodiscard]] std::int64_t crossings_above(std::size_t level) const {
    std::vector<std::pair<double, double>> ends;
    for (const std::size_t slot : made_.levels[level]) {
      for (const std::size_t i : made_.above[slot]) {
        ends.emplace_back(rank_of(slot, 0.0),
                          rank_of(made_.pieces[i].high, made_.pieces[i].high_port));
      }
    }
    return crossings(std::move(ends));
  }

  [[nodiscard]] std::int64_t all_crossings() const {
    std::int64_t count = 0;
    for (std::size_t level = 0; level + 1 < made_.levels.size(); ++level) {
      count += crossings_above(level);
    }
    return count;
  }

  // Sorts a layer by the mean rank of the neighbours above or below; who has none stays.
  void sort_level(std::size_t level, bool by_above) {
    std::vector<std::pair<double, std::size_t>> keyed;
    for (const std::size_t slot : made_.levels[level]) {
      const auto& pieces = by_above ? made_.above[slot] : made_.below[slot];
      double sum = 0.0;
      for (const std::size_t i : pieces) {
        sum += by_above ? rank_of(made_.pieces[i].high, made_.pieces[i].high_port)
                        : rank_of(made_.pieces[i].low, made_.pieces[i].low_port);
      }
      const double count = static_cast<double>(pieces.size());
      keyed.emplace_back(pieces.empty() ? static_cast<double>(rank_[slot]) : sum / count, slot);
    }
    std::ranges::stable_sort(keyed, {}, &std::pair<double, std::size_t>::first);
    for (std::size_t i = 0; i < keyed.size(); ++i) made_.levels[level][i] = keyed[i].second;
    rank(level);
  }

  // Swaps neighbours of a layer while that makes fewer edges cross.
  bool swap_neighbours(std::size_t level) {
    bool is_better = false;
    auto& slots = made_.levels[level];
    for (std::size_t i = 0; i + 1 < slots.size(); ++i) {
      const auto around = [&] {
        std::int64_t count = 0;
        for (const bool is_above : {true, false}) {
          std::vector<std::pair<double, double>> ends;
          for (const std::size_t slot : {slots[i], slots[i + 1]}) {
            for (const std::size_t p : is_above ? made_.above[slot] : made_.below[slot]) {
              ends.emplace_back(rank_of(slot, is_above ? 0.0 : made_.pieces[p].high_port),
                                is_above ? rank_of(made_.pieces[p].high, made_.pieces[p].high_port)
                                         : rank_of(made_.pieces[p].low, 0.0));
            }
          }
          count += crossings(std::move(ends));
        }
        return count;
      };
      const std::int64_t before = around();
      std::swap(slots[i], slots[i + 1]);
      std::swap(rank_[slots[i]], rank_[slots[i + 1]]);
      if (around() < before) {
        is_better = true;
      } else {
        std::swap(slots[i], slots[i + 1]);
        std::swap(rank_[slots[i]], rank_[slots[i + 1]]);
      }
    }
    return is_better;
  }

  LayeredSlots& made_;
  std::vector<std::size_t> rank_;  // of a slot within its layer
};

}  // namespace

void order_slots(LayeredSlots& slots) { Order(slots).order(); }

}  // namespace patchbay
