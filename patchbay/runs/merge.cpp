// The shards of a run or study put together, as if one process had been stopped before its end.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "patchbay/base/error.h"
#include "patchbay/io/file.h"
#include "patchbay/results/result_json.h"
#include "patchbay/runs/command_line.h"
#include "patchbay/runs/earlier_files.h"
#include "patchbay/runs/files.h"
#include "patchbay/runs/finished_values.h"
#include "patchbay/runs/shard.h"

namespace patchbay::runs {
namespace {

struct FinishedShard {
  std::filesystem::path folder;
  Whole whole;
};

constexpr std::int64_t kMostShards = 1'000'000;

// Takes the whole number at the beginning of a text off it.
std::optional<std::int64_t> take_number(std::string_view& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

// "shard-2-of-5" → 5
std::optional<std::int64_t> count_in(std::string_view name) {
  constexpr std::string_view kBegin = "shard-";
  constexpr std::string_view kBetween = "-of-";
  if (!name.starts_with(kBegin)) return std::nullopt;
  name.remove_prefix(kBegin.size());
  if (!take_number(name) || !name.starts_with(kBetween)) return std::nullopt;
  name.remove_prefix(kBetween.size());
  const std::optional<std::int64_t> count = take_number(name);
  const bool is_count = count && *count >= 1 && *count <= kMostShards && name.empty();
  return is_count ? count : std::nullopt;
}

std::int64_t count_of_shards(const std::string& folder) {
  std::set<std::int64_t> counts;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (const auto count = count_in(entry.path().filename().string())) counts.insert(*count);
  }
  if (counts.size() == 1) return *counts.begin();
  throw Error(ErrorKind::kNoInput, "merge",
              fmt::format("{}: {}; name the folder that all shards of one run had as `out`", folder,
                          counts.empty() ? "there are no shards"
                                         : fmt::format("there are shards of {} and of {}",
                                                       *counts.begin(), *counts.rbegin())));
}

FinishedShard read_shard(const std::filesystem::path& folder, const Shard& shard) {
  ShardRecord record = read_shard_record(folder / "shard.json");
  if (record.shard.number != shard.number || record.shard.count != shard.count) {
    throw Error(
        ErrorKind::kBadData, "merge",
        fmt::format("{}: shard.json is of another shard; run that shard again", folder.string()));
  }
  return {folder, std::move(record.whole)};
}

// What decides the files of a run, for people.
std::string text_of(const Whole& whole) {
  const auto* run = std::get_if<RunSpec>(&whole.what);
  const auto* study = std::get_if<StudySpec>(&whole.what);
  return fmt::format("{} --format {}",
                     run != nullptr ? command_line(*run) : command_line(*study, study->study),
                     fmt::join(whole.formats, ","));
}

// What decides them, to the letter.
std::string key_of(const Whole& whole) {
  return to_json(ShardRecord{.shard = {}, .whole = {.what = whole.what, .formats = whole.formats}});
}

std::vector<FinishedShard> read_shards(const std::string& folder) {
  const std::int64_t count = count_of_shards(folder);
  std::vector<FinishedShard> shards;
  std::vector<std::string> missing;
  std::error_code ignored;
  for (std::int64_t i = 0; i < count; ++i) {
    const Shard shard{i, count};
    const std::filesystem::path own = shard_folder(folder, shard);
    if (std::filesystem::exists(own / "shard.json", ignored)) {
      shards.push_back(read_shard(own, shard));
    } else {
      missing.push_back(fmt::format("{}/{}", i + 1, count));
    }
  }
  if (!missing.empty()) {
    throw Error(ErrorKind::kNoInput, "merge",
                fmt::format("{}: shard {} has not finished; run it, then merge again", folder,
                            fmt::join(missing, ", ")));
  }
  const FinishedShard& first = shards.front();
  for (const FinishedShard& shard : shards) {
    if (key_of(shard.whole) == key_of(first.whole)) continue;
    throw Error(ErrorKind::kBadData, "merge",
                fmt::format("{} is of \"{}\", {} of \"{}\"; run the shards of one command",
                            shard.folder.string(), text_of(shard.whole), first.folder.string(),
                            text_of(first.whole)));
  }
  return shards;
}

// The files that shards left, but for their records.
struct Parts {
  std::map<std::string, std::vector<std::filesystem::path>> values;  // unfinished, by name
  std::vector<std::filesystem::path> results;
};

Parts parts_of(const std::vector<FinishedShard>& shards) {
  Parts parts;
  for (const FinishedShard& shard : shards) {
    for (const std::filesystem::path& path : entries_of(shard.folder)) {
      if (holds_finished_values(path)) {
        parts.values[path.filename().string()].push_back(path);
      } else if (path.filename() != "shard.json") {
        parts.results.push_back(path);
      }
    }
  }
  for (auto& [name, files] : parts.values) std::ranges::sort(files);
  return parts;
}

void refuse_overwriting(const std::string& folder, const Whole& whole, const Parts& parts) {
  if (const auto* study = std::get_if<StudySpec>(&whole.what)) {
    const std::filesystem::path name = study->study;
    refuse_other_study(folder, name.filename().string(), whole.formats);
    return;
  }
  for (const auto& [name, files] : parts.values) {
    const std::string stem = std::filesystem::path(name).stem().string();
    refuse_other_result(folder, stem, question_of_values(files.front()));
  }
}

}  // namespace

Whole merge_shards(const std::string& folder, bool overwrite) {
  const std::vector<FinishedShard> shards = read_shards(folder);
  const Whole& whole = shards.front().whole;
  const Parts parts = parts_of(shards);
  if (!overwrite) refuse_overwriting(folder, whole, parts);
  std::map<std::string, Question> questions;  // of whole results, by their stems
  for (const std::filesystem::path& path : parts.results) {
    if (path.extension() != ".json") continue;
    const std::string stem = path.stem().string();
    questions[stem] = question_of(read_result(path).table);
    if (!overwrite) refuse_other_result(folder, stem, questions[stem]);
  }
  for (const auto& [stem, question] : questions) {
    make_way_for(folder, stem, question, whole.formats);
  }
  for (const std::filesystem::path& path : parts.results) {
    constexpr std::uint64_t kMost = std::uint64_t{4} << 30;
    write_file(std::filesystem::path(folder) / path.filename(), read_file(path, kMost));
  }
  for (const auto& [name, files] : parts.values) {
    merge_finished_values(std::filesystem::path(folder) / name, files, overwrite);
  }
  return whole;
}

}  // namespace patchbay::runs
