// The values of options, read from text with errors that name the option.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/patching/shard.h"
#include "patchbay/text/byte_pair_encoding.h"

namespace patchbay::cli {

/// A whole number of [least, most]. Throws kUsage, as all here.
std::int64_t read_integer(std::string_view option, std::string_view text, std::int64_t least,
                          std::int64_t most);
/// A whole number of [0, 2^64).
std::uint64_t read_unsigned(std::string_view option, std::string_view text);
/// A number of bytes: "4096", "64K", "512M", "2G", in powers of 1,024.
std::int64_t read_bytes(std::string_view option, std::string_view text);
/// More than 0 and at most a year: "90", "90s", "1.5m", "2h".
double read_seconds(std::string_view option, std::string_view text);
/// "2/5": the second of five.
Shard read_shard(std::string_view option, std::string_view text);
/// "1,2,3", spaces allowed.
std::vector<TokenId> read_token_ids(std::string_view option, std::string_view text);
/// The parts between commas, without spaces around them.
std::vector<std::string> split_at_commas(std::string_view text);

}  // namespace patchbay::cli
