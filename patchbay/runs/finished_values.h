// What an unfinished run has computed so far, on disk. All that runs/ knows of how it is kept is
// here: whoever goes on with a run, parts it or puts its parts together comes by.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "patchbay/results/journal.h"

namespace patchbay::runs {

/// The values of one run, in FOLDER/STEM.partial while it lasts.
class FinishedValues {
 public:
  /// Makes the folder. `key` is everything that decides the values; what is there under another key
  /// is forgotten. With a shard, only its values are computed here. Throws as Journal.
  FinishedValues(const std::string& folder, const std::string& stem, std::string_view key,
                 const Shard& shard = {});

  /// For the experiment, which finds and adds values there.
  [[nodiscard]] Journal* journal() { return &journal_; }
  /// Marks without a value: the steps of a study that are finished.
  [[nodiscard]] bool has(std::int64_t mark) const { return journal_.find(mark).has_value(); }
  void add(std::int64_t mark);
  /// The run is over and its results are written. Call it once, last.
  void remove() { journal_.remove(); }

  /// Forgets what FOLDER/STEM.partial holds, if it is there.
  static void discard(const std::string& folder, const std::string& stem);

 private:
  Journal journal_;
};

/// Whether a file holds finished values, by its name.
bool holds_finished_values(const std::filesystem::path& file);

/// Adds the values of all `parts`, in their order, to those of `target`, which is made where it is
/// not there. Throws kBadData when they are of different runs.
void merge_finished_values(const std::filesystem::path& target,
                           std::span<const std::filesystem::path> parts);

}  // namespace patchbay::runs
