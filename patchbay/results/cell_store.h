// Finished values by what was asked: what an interrupted run goes on from, what shards leave for
// their merge, and what later questions of the same run need not compute again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "patchbay/results/cell_key.h"

namespace patchbay {

/// What is to become of a file of another scope.
enum class OtherScope { kRefuse, kForget };

/// Values by key, in memory and, with a path, in a file too, exact to the bit. Only one CellStore,
/// in one process, may have a file open.
///
/// A process that is killed loses nothing that add() returned from; after a power failure the last
/// cells may be missing, never wrong. Each record carries a checksum over the file up to it, so a
/// torn record, a flipped bit or a record of another file ends what is believed.
class CellStore {
 public:
  struct Hash {
    std::size_t operator()(const CellKey& key) const { return key.low; }
  };
  using Cells = std::pmr::unordered_map<CellKey, double, Hash>;

  /// In memory alone.
  CellStore() = default;
  /// Opens or creates the file. `scope` is what all its values depend on beside what their keys say
  /// (version, weights, prompts). A damaged file is cut off where the damage starts. Throws kUsage
  /// when another CellStore has it open, when it is of another scope, unless that is to be
  /// forgotten, or when it is not a file of finished values; all of these are left alone.
  /// kCannotCreate and kInputOutput for what the disk refuses.
  CellStore(const std::filesystem::path& path, std::string_view scope,
            OtherScope other = OtherScope::kRefuse);
  CellStore(const CellStore&) = delete;
  CellStore& operator=(const CellStore&) = delete;
  /// Closes the file, which stays.
  ~CellStore();

  [[nodiscard]] std::optional<double> find(const CellKey& key) const;
  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(cells_.size()); }

  /// Adds a value; nothing happens when the key is there already. Throws kInputOutput when the
  /// bytes cannot be written; the store is then as it was. Not to be called from two threads at
  /// once.
  void add(const CellKey& key, double value);

  /// Removes the file: the run is over and its results are written. Call it once, last.
  void remove();

  /// What a file of finished values holds, whoever's it is.
  struct Content {
    std::string scope;
    Cells cells;
  };
  /// Reads what is whole in a file and leaves it as it is. Throws kBadData when it is not a file of
  /// finished values, and as read_file.
  static Content read(const std::filesystem::path& path);

 private:
  void load(std::string_view bytes, std::string_view scope, OtherScope other);
  void write(std::string_view bytes);
  void cut(std::uint64_t size);

  std::filesystem::path path_;
  int descriptor_ = -1;         // −1: memory alone
  std::uint64_t size_ = 0;      // of the part of the file that is believed
  std::uint64_t checksum_ = 0;  // of that part
  // Cells lie side by side in few large pieces. One by one they would lie between the tensors of
  // the passes that they come from, and the allocator could join no memory across them.
  std::pmr::monotonic_buffer_resource cells_memory_;
  Cells cells_{&cells_memory_};
};

}  // namespace patchbay
