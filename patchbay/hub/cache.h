// The Hugging Face cache, read: models--ORG--NAME/{refs,snapshots,blobs}, as huggingface_hub
// writes it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/hub/model_name.h"

namespace patchbay::hub {

/// "models--openai-community--gpt2"
std::string repository_folder(std::string_view id);
/// "openai-community/gpt2" for such a name, nothing for any other.
std::optional<std::string> repository_id(std::string_view folder);

/// The files of one commit.
struct Snapshot {
  std::string id;  ///< under which id the cache has it
  std::string commit;
  std::filesystem::path folder;
};

/// The snapshot that a revision's ref names, or the one of that commit; also under the repository's
/// old id. What is not there or not readable is nothing.
std::optional<Snapshot> find_snapshot(const std::filesystem::path& cache, const ModelId& model);

/// Whether the folder has a config.json and weights of some kind: a download may have ended early,
/// and other programs fetch tokenizers alone.
bool has_model(const std::filesystem::path& folder);

/// A snapshot as `patchbay model list` shows it.
struct CachedModel {
  Snapshot snapshot;
  std::vector<std::string> refs;  ///< the revisions that name it
  std::uint64_t bytes = 0;        ///< how long its files are together
  bool complete = false;          ///< has_model
};

/// Every snapshot of every model in the cache, sorted by id and commit. A cache that is not there
/// is empty.
std::vector<CachedModel> list_cached(const std::filesystem::path& cache);

/// One file of a snapshot.
struct SnapshotFile {
  std::string name;            ///< "config.json", with slashes for one in a folder
  std::filesystem::path path;  ///< where the snapshot has it
  std::filesystem::path blob;  ///< what it links to, empty when it is a file itself
};

/// The files of a folder, sorted by name, links followed once and hidden files left out.
std::vector<SnapshotFile> list_files(const std::filesystem::path& folder);
/// How long those files are together; what cannot be read counts as nothing.
std::uint64_t bytes_in(const std::filesystem::path& folder);

}  // namespace patchbay::hub
