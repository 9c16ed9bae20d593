// The numbers that a report's scripts read.
#pragma once

#include <span>
#include <string>

#include "patchbay/report/page.h"
#include "patchbay/results/statistics.h"

namespace patchbay {

/// One JSON object that may stand between script tags: what could end them is escaped. `statistics`
/// has one element a section, else kUsage is thrown; that of a section without a table is not read.
///
/// * tables: by section, the axes; of every effect [value, standard error, low, high, n] of each
/// cell;
///   p-values; and per prompt the values and the unpatched metric, with six digits.
/// * attention: names of heads, tokens of every prompt, and the weights [head, prompt, query, key]
/// up to
///   the query, as 16-bit shares of 1 (little-endian, base 64).
/// * ramp: 256 colours from 0 to 1.
std::string page_data(const Page& page, std::span<const TableStatistics> statistics);

/// Base 64 of some bytes, and the SHA-256 of a text in base 64, as a content-security policy names
/// it.
std::string base64(std::string_view bytes);
std::string sha256_base64(std::string_view text);

}  // namespace patchbay
