// A result as a JSON file, written and read back. docs/results.md describes every key.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "patchbay/results/effect_table.h"
#include "patchbay/results/statistics.h"

namespace patchbay {

/// What a result file holds that is not computed from the rest of it.
struct StoredResult {
  EffectTable table;
  StatisticsOptions statistics;
};

/// The text of a result file: the table, and its statistics under "effects" and "significance".
/// Numbers are the shortest decimals that read back as the same bits; what is not finite is null.
/// Throws as table_statistics.
std::string to_json(const EffectTable& table, const StatisticsOptions& options = {});
/// Writes it whole or not at all; throws as AtomicFile too.
void write_json(const std::filesystem::path& path, const EffectTable& table,
                const StatisticsOptions& options = {});

/// Reads a text that to_json wrote; writing the result again gives the same bytes. Everything is
/// checked: keys that are missing or unknown, types, lengths, names. The statistics are not read,
/// since they follow from the values. `where` names the text in errors. Throws kBadData naming
/// file, key and rule.
StoredResult parse_result(std::string_view text, std::string_view where);
/// Throws as read_file and parse_result.
StoredResult read_result(const std::filesystem::path& path);

}  // namespace patchbay
