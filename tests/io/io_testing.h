// What the tests of patchbay/io share: raw files, errors as text, seeded damage.
#pragma once

#include <gtest/gtest.h>

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>

#include "patchbay/base/error.h"

namespace patchbay::testing {

inline void write_raw(const std::filesystem::path& path, std::string_view bytes) {
  // Some file systems wait for the disk when a file is truncated and written again; a new one is
  // free.
  std::filesystem::remove(path);
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  ASSERT_TRUE(file.good()) << path;
}

inline std::string read_raw(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// The text of the patchbay::Error that `action` throws, which must be of the given kind.
template <std::invocable Action>
std::string error_of(ErrorKind kind, const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), static_cast<int>(kind)) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

template <typename... Parts>
void expect_parts(const std::string& text, const Parts&... parts) {
  const auto check = [&](std::string_view part) {
    EXPECT_NE(text.find(part), std::string::npos) << "no \"" << part << "\" in: " << text;
  };
  (check(parts), ...);
}

/// `bytes` with one to three random changes: bytes replaced, bits flipped, runs removed, repeated
/// or inserted, the end cut off.
inline std::string damaged(std::string bytes, std::mt19937_64& random) {
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % (n + 1)); };
  const auto changes = 1 + random() % 3;
  for (std::uint64_t change = 0; change < changes && !bytes.empty(); ++change) {
    const std::size_t at = below(bytes.size() - 1);
    const std::size_t length = 1 + below(8);
    switch (random() % 6) {
      case 0:
        bytes[at] = static_cast<char>(random());
        break;
      case 1:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random() % 8)));
        break;
      case 2:
        bytes.erase(at, length);
        break;
      case 3:
        bytes.insert(at, bytes.substr(below(bytes.size() - 1), length));
        break;
      case 4:
        bytes.insert(at, length, static_cast<char>(random()));
        break;
      default:
        bytes.resize(at);
    }
  }
  return bytes;
}

/// Runs `action` on `count` damaged variants: each must be read or refused with an Error. Returns
/// how many were refused, so that a test can see that the damage reaches the rules.
template <typename Action>
int survive_damage(const std::string& valid, int count, const Action& action) {
  std::mt19937_64 random(20260727);  // NOLINT: the same variants every time
  int refused = 0;
  for (int i = 0; i < count; ++i) {
    const std::string bytes = damaged(valid, random);
    try {
      action(bytes);
    } catch (const Error& error) {
      ++refused;
      EXPECT_NE(error.exit_code(), static_cast<int>(ErrorKind::kInternal)) << error.what();
    }
  }
  return refused;
}

}  // namespace patchbay::testing
