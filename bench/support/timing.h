// What the timing programs of bench/peers share: the clock, the process's memory, the prompts.
#pragma once

#include <sys/resource.h>

#include <chrono>
#include <string>
#include <vector>

#include "patchbay/io/json.h"
#include "patchbay/model/base_run.h"

namespace patchbay::bench {

/// Seconds of a steady clock.
inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// The most memory that the process has had so far, in megabytes of 2^20 bytes.
inline double peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

/// Prompts as a JSON array of arrays of token ids.
inline std::vector<Prompt> read_prompts(const std::string& file) {
  const JsonDocument document = read_json_file(file);
  std::vector<Prompt> prompts;
  for (const JsonValue& prompt : document->items()) {
    Prompt& tokens = prompts.emplace_back();
    for (const JsonValue& token : prompt.items()) {
      tokens.push_back(static_cast<TokenId>(token.as_int()));
    }
  }
  return prompts;
}

}  // namespace patchbay::bench
