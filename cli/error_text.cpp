#include "cli/error_text.h"

namespace patchbay::cli {

std::string with_options(std::string text) {
  for (const std::string field : {"effect", "figure", "out", "shard"}) {
    const std::string marked = "`" + field + "`";
    for (std::size_t at = text.find(marked); at != std::string::npos; at = text.find(marked, at)) {
      text.replace(at, marked.size(), "--" + field);
    }
  }
  return text;
}

}  // namespace patchbay::cli
