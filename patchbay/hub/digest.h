// Digests by which the hub names contents: SHA-256 of large files, git's SHA-1 of small ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "patchbay/base/run_context.h"

namespace patchbay::hub {

enum class DigestKind { kSha256, kGitSha1 };

/// "sha256" or "git-sha1"
std::string_view name_of(DigestKind kind);
/// What a digest of that many digits must be: 64 are SHA-256, 40 git's SHA-1.
/// Throws kBadData for what is not a digest in small hexadecimal digits.
DigestKind digest_kind(std::string_view hex);
/// Whether it is one.
bool is_digest(std::string_view hex);

/// A digest that is fed piece by piece.
class Digest {
 public:
  /// git puts the size before the content, so it must be known from the start.
  Digest(DigestKind kind, std::uint64_t size);
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;
  ~Digest();

  void add(std::span<const std::byte> bytes);
  /// The digest in hexadecimal digits. Call it once, last: whatever is called then throws kUsage.
  std::string finish();

 private:
  struct State;
  [[nodiscard]] State& state() const;
  std::unique_ptr<State> state_;
};

/// Feeds the first `count` bytes of a file. Throws as InputFile does, and kInterrupted.
void add_file(const RunContext& ctx, Digest& digest, const std::filesystem::path& file,
              std::uint64_t count);
/// The digest of a whole file.
std::string digest_of(const RunContext& ctx, DigestKind kind, const std::filesystem::path& file);

}  // namespace patchbay::hub
