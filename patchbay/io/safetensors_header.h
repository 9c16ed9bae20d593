// The header of a safetensors file: its JSON, checked rule by rule. Used by safetensors.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "patchbay/io/file.h"
#include "patchbay/io/safetensors.h"

namespace patchbay {

struct SafetensorsHeader {
  std::uint64_t data_start;
  std::vector<TensorInfo> tensors;  // in the order of their data
  std::map<std::string, std::string> metadata;
};

/// Throws kBadData naming the file, the rule, and the byte offset or the entry.
SafetensorsHeader read_safetensors_header(const InputFile& file);

}  // namespace patchbay
