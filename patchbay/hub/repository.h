// A repository on the hub: which files it has at a revision, and which of them make a model.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "patchbay/hub/http.h"
#include "patchbay/hub/model_name.h"

namespace patchbay::hub {

struct RepositoryFile {
  std::string name;
  std::optional<std::uint64_t> bytes{};  ///< when the endpoint says
};

/// What the endpoint's API says of one revision.
struct Repository {
  std::string commit;
  std::vector<RepositoryFile> files;

  [[nodiscard]] const RepositoryFile* find(std::string_view name) const;
};

/// Asks /api/models/ID/revision/REVISION. Throws kNoInput for a repository or revision that is not
/// there, kNetwork for what cannot be reached or gives no sensible answer, kBadData for file names
/// that lead out of a folder.
Repository ask_repository(const RunContext& ctx, const Settings& settings, HttpClient& client,
                          const ModelId& model);

/// The files that a model is made of: config.json, the tokenizer's, and model.safetensors or the
/// index of its shards, smallest kinds first. The shards are named in the index
/// (read_shard_names). Throws kBadData with advice when there is no config, or pickles instead of
/// safetensors.
std::vector<RepositoryFile> choose_files(const Repository& repository, const ModelId& model);

/// The files that an index distributes its tensors over, each once, checked to be plain names.
std::vector<std::string> read_shard_names(const std::filesystem::path& index);

/// Whether a file's name stays inside the folder that it is put into.
bool is_safe_file_name(std::string_view name);

}  // namespace patchbay::hub
