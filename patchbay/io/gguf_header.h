// The header of a GGUF file, checked rule by rule. Used by gguf.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "patchbay/io/file.h"
#include "patchbay/io/gguf.h"
#include "patchbay/io/gguf_cursor.h"
#include "patchbay/io/gguf_value.h"

namespace patchbay {

struct GgufHeader {
  std::uint32_t version;
  std::uint64_t data_start;
  GgufMetadata metadata;
  std::vector<GgufTensor> tensors;                        // in the order of their data
  std::map<std::string, std::size_t, std::less<>> index;  // name → place in tensors
};

/// Throws kBadData naming the file, the rule and the byte.
GgufHeader read_gguf_header(const InputFile& file);

/// The next `count` keys with their values. Throws as read_gguf_header does.
GgufMetadata read_gguf_metadata(GgufCursor& cursor, std::uint64_t count);

/// A key or a tensor's name: UTF-8, not empty, at most `max_bytes` long.
std::string read_gguf_name(GgufCursor& cursor, std::uint64_t max_bytes, std::string_view what);

}  // namespace patchbay
