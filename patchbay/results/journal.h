// The finished rows of a run, on disk while it lasts, so that an interrupted run can go on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace patchbay {

/// One part of a run that several processes share: every count-th cell, from `number` on.
struct Shard {
  std::int64_t number = 0;
  std::int64_t count = 1;
  [[nodiscard]] bool has(std::int64_t cell) const { return cell % count == number; }
};

/// A file of finished cells, exact to the bit. Only one Journal, in one process, may have it open.
///
/// A process that is killed loses nothing that append() returned from; after a power failure the
/// last rows may be missing, never wrong. Each record carries a checksum over the file up to it, so
/// a torn record, a flipped bit or a record of another run ends what is believed.
class Journal {
 public:
  /// Opens or creates the file. `key` is everything that determines the results; a journal with
  /// another key is emptied, a damaged one is cut off where the damage starts. Throws kUsage when
  /// another Journal has it open, or when it is no journal (which is left alone); kCannotCreate
  /// and kInputOutput for what the disk refuses.
  Journal(const std::filesystem::path& path, std::string_view key, const Shard& shard = {});
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  /// Closes the file, which stays.
  ~Journal();

  /// The values of a finished cell, [prompt], valid as long as the Journal. A cell of another shard
  /// is one NaN, so that nobody computes it here.
  [[nodiscard]] std::optional<std::span<const double>> find(std::int64_t cell) const;
  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(cells_.size()); }

  /// Adds a cell that is not there yet. Throws kInputOutput when the bytes cannot be written; the
  /// journal is then as it was. Not to be called from two threads at once.
  void append(std::int64_t cell, std::span<const double> values);

  /// Removes the file: the run is over and its results are written. Call it once, last.
  void remove();

 private:
  void load(std::string_view bytes, std::string_view key);
  void write(std::string_view bytes);
  void cut(std::uint64_t size);

  std::filesystem::path path_;
  Shard shard_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;      // of the part that is believed
  std::uint64_t checksum_ = 0;  // of that part
  std::map<std::int64_t, std::vector<double>> cells_;
};

/// What a journal holds, whoever's it is.
struct JournalContent {
  std::string key;
  std::map<std::int64_t, std::vector<double>> cells;
};

/// Reads what is whole in a journal and leaves the file as it is. Throws kBadData when it is no
/// journal, and as read_file.
JournalContent read_journal(const std::filesystem::path& path);

/// The cells of one sweep among several that share a journal, numbered from 0, one value each.
/// Without a journal nothing is found and nothing kept.
class JournalPart {
 public:
  JournalPart(Journal* journal = nullptr, std::int64_t first = 0)  // NOLINT: a journal is a part
      : journal_(journal), first_(first) {}

  [[nodiscard]] std::optional<double> find(std::int64_t cell) const;
  void append(std::int64_t cell, double value) const;
  /// Goes on to the next sweep's part, after so many cells. The same sweeps in the same order have
  /// the same parts.
  void skip(std::int64_t cells) { first_ += cells; }

 private:
  Journal* journal_;
  std::int64_t first_;
};

}  // namespace patchbay
