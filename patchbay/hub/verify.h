// Whether a model's files are what they were when they were downloaded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/base/run_context.h"
#include "patchbay/hub/find_model.h"

namespace patchbay::hub {

struct FileCheck {
  enum class State {
    kGood,        ///< the digest is the one that names its blob
    kUnknown,     ///< readable, but no digest is recorded to compare it with
    kBad,         ///< the digest is another
    kUnreadable,  ///< not there, or cannot be read
  };
  std::string file;
  std::uint64_t bytes = 0;
  State state = State::kUnknown;
  std::string kind{};      ///< "sha256" or "git-sha1" where there is a digest
  std::string expected{};  ///< the name of its blob
  std::string found{};     ///< the digest of its content
  std::string problem{};   ///< a sentence for kBad and kUnreadable
};

/// "good", "no digest", "BAD" or "UNREADABLE"
std::string_view name_of(FileCheck::State state);

struct Verification {
  std::vector<FileCheck> files;
  std::int64_t n_tensors = 0;       ///< how many tensors the weights have
  std::string structure_problem{};  ///< what is wrong with the weights' headers, their index or
                                    ///< config.json; empty when nothing is
  [[nodiscard]] bool good() const;
};

/// Reads every file of the model, compares digests with the names of blobs, and reads the headers
/// of the weights. Throws kInterrupted only; what is wrong is in the result.
Verification verify_model(const RunContext& ctx, const FoundModel& model);

}  // namespace patchbay::hub
