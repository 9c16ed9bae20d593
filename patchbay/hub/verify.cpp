// Whether a model's files are what they were when they were downloaded.
#include "patchbay/hub/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "patchbay/base/error.h"
#include "patchbay/families/family.h"
#include "patchbay/hub/cache.h"
#include "patchbay/hub/digest.h"
#include "patchbay/io/checkpoint.h"
#include "patchbay/io/file.h"

namespace patchbay::hub {
namespace {

namespace fs = std::filesystem;

// A folder without links has copies; the blob of one, if it is there, has its digest as its name.
std::string digest_of_copy(const RunContext& ctx, const fs::path& snapshot, const fs::path& file) {
  const fs::path blobs = snapshot.parent_path().parent_path() / "blobs";
  for (const DigestKind kind : {DigestKind::kSha256, DigestKind::kGitSha1}) {
    std::string digest = digest_of(ctx, kind, file);
    std::error_code ignored;
    if (fs::exists(blobs / digest, ignored)) return digest;
  }
  return "";
}

FileCheck check_file(const RunContext& ctx, const FoundModel& model, const SnapshotFile& file) {
  FileCheck check{.file = file.name};
  try {
    check.bytes = InputFile::open(file.path).size();
    const std::string blob = file.blob.filename().string();
    if (is_digest(blob)) {
      const DigestKind kind = digest_kind(blob);
      check.kind = name_of(kind);
      check.expected = blob;
      check.found = digest_of(ctx, kind, file.path);
      check.state = check.found == blob ? FileCheck::State::kGood : FileCheck::State::kBad;
    } else if (model.source == ModelSource::kCache) {
      check.found = check.expected = digest_of_copy(ctx, model.path, file.path);
      if (check.found.empty()) return check;
      check.kind = name_of(digest_kind(check.found));
      check.state = FileCheck::State::kGood;
    }
    if (check.state == FileCheck::State::kBad) {
      check.problem =
          fmt::format("the content has changed: remove {} and pull again", file.blob.string());
    }
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kInterrupted) throw;
    check.state = FileCheck::State::kUnreadable;
    check.problem = error.what();
  }
  return check;
}

}  // namespace

std::string_view name_of(FileCheck::State state) {
  switch (state) {
    case FileCheck::State::kGood:
      return "good";
    case FileCheck::State::kUnknown:
      return "no digest";
    case FileCheck::State::kBad:
      return "BAD";
    default:
      return "UNREADABLE";
  }
}

bool Verification::good() const {
  return structure_problem.empty() && std::ranges::all_of(files, [](const FileCheck& check) {
           return check.state == FileCheck::State::kGood ||
                  check.state == FileCheck::State::kUnknown;
         });
}

Verification verify_model(const RunContext& ctx, const FoundModel& model) {
  Verification result;
  std::error_code ignored;
  const std::vector<SnapshotFile> files =
      fs::is_directory(model.path, ignored)
          ? list_files(model.path)
          : std::vector<SnapshotFile>{{model.path.filename().string(), model.path, {}}};
  for (const SnapshotFile& file : files) {
    ctx.check_cancelled();
    result.files.push_back(check_file(ctx, model, file));
  }
  try {
    static_cast<void>(load_config(model.path));
    result.n_tensors = static_cast<std::int64_t>(open_checkpoint(model.path).names().size());
  } catch (const Error& error) {
    result.structure_problem = error.what();
  }
  return result;
}

}  // namespace patchbay::hub
