// The header of a .npy array, wherever the array lies. Used by npy.cpp and npz.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "patchbay/io/file.h"
#include "patchbay/io/npy.h"

namespace patchbay {

/// The bytes of a file that hold one .npy array: a whole file, or one entry of an archive.
struct NpyRange {
  const InputFile& file;
  std::uint64_t offset;
  std::uint64_t size;
  std::string label;  // for messages: the file, and the entry
};

/// Reads the array; throws as read_npy does. Offsets in messages count from the start of the file.
NpyArray read_npy_range(const NpyRange& range);

/// The bytes before the elements. `descr` is numpy's name of the type, such as `<f4`.
std::string npy_header(std::string_view descr, std::span<const std::int64_t> shape);

/// Throws kUsage when `count` values do not fill `shape`.
void check_npy_shape(std::string_view where, std::span<const std::int64_t> shape,
                     std::size_t count);

}  // namespace patchbay
