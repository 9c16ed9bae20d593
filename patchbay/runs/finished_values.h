// What an unfinished run or study has computed so far, on disk. All that runs/ knows of how it is
// kept is here: whoever goes on with a run, parts it or puts its parts together comes by.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "patchbay/results/cell_store.h"
#include "patchbay/runs/question.h"

namespace patchbay::runs {

/// The values of one run or study, in FOLDER/STEM.partial while it lasts.
class FinishedValues {
 public:
  /// Makes the folder. The question is that of the whole. Values of another one, or of another
  /// version, are refused with kUsage, or forgotten when they are to be overwritten. Throws as
  /// CellStore.
  FinishedValues(const std::string& folder, const std::string& stem, const Question& question,
                 bool overwrite);

  /// For sessions, which find and add values there.
  [[nodiscard]] CellStore& store() { return store_; }
  /// Marks without a value, known by their text: the steps of a study that are finished.
  [[nodiscard]] bool has(std::string_view mark) const;
  void add(std::string_view mark);
  /// The run is over and its results are written. Call it once, last.
  void remove() { store_.remove(); }

 private:
  CellStore store_;
};

/// Whether a file holds finished values, by its name.
bool holds_finished_values(const std::filesystem::path& file);

/// The question of the values in a file. Throws as CellStore::read.
Question question_of_values(const std::filesystem::path& file);

/// Adds the values of all `parts` to those of `target`, which is made where it is not there. Throws
/// kBadData when they are of different questions or versions, and kUsage as FinishedValues for the
/// target's.
void merge_finished_values(const std::filesystem::path& target,
                           std::span<const std::filesystem::path> parts, bool overwrite);

}  // namespace patchbay::runs
