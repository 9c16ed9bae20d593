// patchbay merge DIR: the shards of a run put together, and the run finished from them.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <regex>
#include <set>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/experiment_run.h"
#include "cli/output.h"
#include "cli/provenance.h"
#include "cli/shard.h"
#include "patchbay/base/error.h"
#include "patchbay/io/file.h"
#include "patchbay/io/json.h"
#include "patchbay/results/cell_store.h"
#include "patchbay/results/result_json.h"

namespace patchbay::cli {
namespace {

struct FinishedShard {
  std::filesystem::path folder;
  std::vector<std::string> whole;
};

FinishedShard read_shard_file(const std::filesystem::path& folder, const Shard& shard) {
  const JsonDocument record = read_json_file(folder / "shard.json", {.tag = "shard"});
  if (record->at("shard").as_int() != shard.number + 1 ||
      record->at("of").as_int() != shard.count) {
    throw Error(
        ErrorKind::kBadData, "merge",
        fmt::format("{}: shard.json is of another shard; run that shard again", folder.string()));
  }
  FinishedShard finished{folder, {}};
  for (const JsonValue& word : record->at("whole").items()) {
    finished.whole.push_back(word.as_string());
  }
  return finished;
}

// "shard-2-of-5" → 5
std::optional<std::int64_t> count_in(const std::string& name) {
  static const std::regex kForm("shard-([0-9]{1,9})-of-([0-9]{1,9})");
  std::smatch parts;
  if (!std::regex_match(name, parts, kForm)) return std::nullopt;
  const std::int64_t count = std::stoll(parts[2]);
  return count >= 1 ? std::optional(count) : std::nullopt;
}

std::vector<FinishedShard> read_shards(const std::string& folder) {
  std::set<std::int64_t> counts;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (const auto count = count_in(entry.path().filename().string())) counts.insert(*count);
  }
  if (counts.size() != 1) {
    throw Error(
        ErrorKind::kNoInput, "merge",
        fmt::format("{}: {}; name the folder that all shards of one run had as --out", folder,
                    counts.empty() ? "there are no shards"
                                   : fmt::format("there are shards of {} and of {}",
                                                 *counts.begin(), *counts.rbegin())));
  }
  std::vector<FinishedShard> shards;
  std::vector<std::string> missing;
  for (std::int64_t i = 0; i < *counts.begin(); ++i) {
    const Shard shard{i, *counts.begin()};
    const std::filesystem::path own = shard_folder(folder, shard);
    if (std::filesystem::exists(own / "shard.json", ignored)) {
      shards.push_back(read_shard_file(own, shard));
    } else {
      missing.push_back(fmt::format("{}/{}", i + 1, shard.count));
    }
  }
  if (!missing.empty()) {
    throw Error(ErrorKind::kNoInput, "merge",
                fmt::format("{}: shard {} has not finished; run it, then merge again", folder,
                            fmt::join(missing, ", ")));
  }
  for (const FinishedShard& shard : shards) {
    if (shard.whole == shards.front().whole) continue;
    throw Error(ErrorKind::kBadData, "merge",
                fmt::format("{} is of \"{}\", {} of \"{}\"; run the shards of one command",
                            shard.folder.string(), shell_line(shard.whole),
                            shards.front().folder.string(), shell_line(shards.front().whole)));
  }
  return shards;
}

// The finished values of every shard in FOLDER/NAME, as if one run had been interrupted there.
void merge_journals(const std::string& folder, const std::string& name,
                    const std::vector<std::filesystem::path>& parts) {
  std::optional<CellStore::Content> first;
  std::optional<CellStore> merged;
  for (const std::filesystem::path& part : parts) {
    const CellStore::Content content = CellStore::read(part);
    if (!first) {
      first = content;
      merged.emplace(std::filesystem::path(folder) / name, content.scope);
    } else if (content.scope != first->scope) {
      throw Error(
          ErrorKind::kBadData, "merge",
          fmt::format("{} and {} are of different runs: version, model, prompts or options; "
                      "run the shards again",
                      parts.front().string(), part.string()));
    }
    for (const auto& [cell, value] : content.cells) merged->add(cell, value);
  }
}

void gather(const std::string& folder, const std::vector<FinishedShard>& shards) {
  std::map<std::string, std::vector<std::filesystem::path>> journals;
  for (const FinishedShard& shard : shards) {
    for (const auto& entry : std::filesystem::directory_iterator(shard.folder)) {
      const std::filesystem::path& path = entry.path();
      const std::string name = path.filename().string();
      if (path.extension() == ".partial") {
        journals[name].push_back(path);
      } else if (name != "shard.json") {
        if (path.extension() == ".json") (void)read_result(path);  // before it is among the results
        constexpr std::uint64_t kMost = std::uint64_t{4} << 30;
        write_file(std::filesystem::path(folder) / name, read_file(path, kMost));
      }
    }
  }
  for (auto& [name, parts] : journals) {
    std::ranges::sort(parts);
    merge_journals(folder, name, parts);
  }
}

// The command of the whole run, as the merge wants it run.
Command whole_command(const MergeShards& merge, const std::vector<std::string>& words) {
  std::vector<const char*> arguments = {"patchbay"};
  for (const std::string& word : words) arguments.push_back(word.c_str());
  Command command = parse_arguments(static_cast<int>(arguments.size()), arguments.data());
  std::visit(
      [&](auto& verb) {
        if constexpr (requires { verb.shard; }) {
          verb.common = merge.common;
          verb.out = merge.folder;
        } else {
          throw Error(ErrorKind::kBadData, "merge",
                      fmt::format("{}: shard.json names no run and no study; run the shards again",
                                  merge.folder));
        }
      },
      command);
  return command;
}

}  // namespace

int run(const MergeShards& merge) {
  const std::vector<FinishedShard> shards = read_shards(merge.folder);
  const Command command = whole_command(merge, shards.front().whole);
  gather(merge.folder, shards);
  return std::visit([](const auto& verb) { return run(verb); }, command);
}

}  // namespace patchbay::cli
