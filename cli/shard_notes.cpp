#include "cli/shard_notes.h"

#include <limits>

#include "cli/option_values.h"
#include "patchbay/base/error.h"
#include "patchbay/base/run_context.h"

namespace patchbay::cli {
namespace {

constexpr const char* kMaxMemory = "max_memory";
constexpr const char* kTop = "top";

std::optional<std::int64_t> note(const std::map<std::string, std::string>& notes,
                                 const std::string& name, std::int64_t least) {
  const auto found = notes.find(name);
  if (found == notes.end()) return std::nullopt;
  try {
    return read_integer(name, found->second, least, std::numeric_limits<std::int64_t>::max());
  } catch (const Error& error) {
    throw Error(ErrorKind::kBadData, "shard.json", error.what());
  }
}

}  // namespace

std::map<std::string, std::string> written(const ShardNotes& notes) {
  std::map<std::string, std::string> texts = {{kMaxMemory, std::to_string(notes.max_memory)}};
  if (notes.top) texts[kTop] = std::to_string(*notes.top);
  return texts;
}

ShardNotes read_notes(const std::map<std::string, std::string>& notes) {
  return {.max_memory = note(notes, kMaxMemory, 1).value_or(RunOptions::kDefaultMemory),
          .top = note(notes, kTop, 0)};
}

}  // namespace patchbay::cli
