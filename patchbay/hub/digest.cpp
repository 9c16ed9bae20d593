// Digests by OpenSSL's EVP interface.
#include "patchbay/hub/digest.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <vector>

#include "patchbay/base/error.h"
#include "patchbay/io/file.h"

namespace patchbay::hub {
namespace {

constexpr std::size_t kSha256Digits = 64;
constexpr std::size_t kSha1Digits = 40;

void check(int done) {
  if (done != 1) {
    throw Error(ErrorKind::kInternal, "hub",
                "OpenSSL cannot compute a digest; is its configuration damaged?");
  }
}

}  // namespace

struct Digest::State {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(),
                                                                  &EVP_MD_CTX_free};
};

std::string_view name_of(DigestKind kind) {
  return kind == DigestKind::kSha256 ? "sha256" : "git-sha1";
}

bool is_digest(std::string_view hex) {
  return (hex.size() == kSha256Digits || hex.size() == kSha1Digits) &&
         std::ranges::all_of(
             hex, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

DigestKind digest_kind(std::string_view hex) {
  if (!is_digest(hex)) {
    throw Error(ErrorKind::kBadData, "hub",
                "a name that should be a SHA-256 or a git SHA-1 is neither, so the content cannot "
                "be checked");
  }
  return hex.size() == kSha256Digits ? DigestKind::kSha256 : DigestKind::kGitSha1;
}

Digest::Digest(DigestKind kind, std::uint64_t size) : state_(std::make_unique<State>()) {
  const EVP_MD* algorithm = kind == DigestKind::kSha256 ? EVP_sha256() : EVP_sha1();
  check(EVP_DigestInit_ex(state_->context.get(), algorithm, nullptr));
  if (kind == DigestKind::kGitSha1) {
    const std::string header = fmt::format("blob {}", size);
    check(EVP_DigestUpdate(state_->context.get(), header.c_str(), header.size() + 1));
  }
}

Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;
Digest::~Digest() = default;

Digest::State& Digest::state() const {
  if (state_ != nullptr) return *state_;
  throw Error(ErrorKind::kUsage, "digest",
              "this digest is finished or was moved from; make another");
}

void Digest::add(std::span<const std::byte> bytes) {
  check(EVP_DigestUpdate(state().context.get(), bytes.data(), bytes.size()));
}

std::string Digest::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int size = 0;
  check(EVP_DigestFinal_ex(state().context.get(), bytes.data(), &size));
  state_.reset();
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) hex += fmt::format("{:02x}", bytes[i]);
  return hex;
}

void add_file(const RunContext& ctx, Digest& digest, const std::filesystem::path& file,
              std::uint64_t count) {
  constexpr std::size_t kPiece = std::size_t{1} << 20;
  const InputFile input = InputFile::open(file);
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(count, kPiece)));
  for (std::uint64_t done = 0; done < count;) {
    ctx.check_cancelled();
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(count - done, kPiece));
    const std::span<std::byte> piece(buffer.data(), size);
    input.read_at(done, piece);
    digest.add(piece);
    done += size;
  }
}

std::string digest_of(const RunContext& ctx, DigestKind kind, const std::filesystem::path& file) {
  const std::uint64_t size = InputFile::open(file).size();
  Digest digest(kind, size);
  add_file(ctx, digest, file, size);
  return digest.finish();
}

}  // namespace patchbay::hub
