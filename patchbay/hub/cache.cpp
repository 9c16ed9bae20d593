// The Hugging Face cache, read.
#include "patchbay/hub/cache.h"

#include <algorithm>
#include <map>
#include <system_error>

#include "patchbay/base/error.h"
#include "patchbay/io/file.h"

namespace patchbay::hub {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kPrefix = "models--";

// The commit that a ref's file holds.
std::optional<std::string> read_ref(const fs::path& file) {
  constexpr std::uint64_t kLongest = 1024;
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored)) return std::nullopt;
  try {
    std::string commit = read_file(file, kLongest);
    commit.erase(commit.find_last_not_of(" \r\n\t") + 1);
    return is_commit(commit) ? std::optional(commit) : std::nullopt;
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::optional<Snapshot> snapshot_of(const fs::path& cache, const std::string& id,
                                    const std::string& revision) {
  const fs::path repository = cache / repository_folder(id);
  const auto named = read_ref(repository / "refs" / revision);
  const std::string commit = named.value_or(revision);
  const fs::path folder = repository / "snapshots" / commit;
  std::error_code ignored;
  if (!is_commit(commit) || !fs::is_directory(folder, ignored)) return std::nullopt;
  return Snapshot{id, commit, folder};
}

// commit → the refs that name it.
std::map<std::string, std::vector<std::string>> read_refs(const fs::path& repository) {
  std::map<std::string, std::vector<std::string>> refs;
  std::error_code error;
  const fs::path folder = repository / "refs";
  for (auto entry = fs::recursive_directory_iterator(folder, error);
       !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (const auto commit = read_ref(entry->path())) {
      refs[*commit].push_back(entry->path().lexically_relative(folder).generic_string());
    }
  }
  for (auto& [commit, names] : refs) std::ranges::sort(names);
  return refs;
}

// The entries of a folder, sorted by name.
std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (auto entry = fs::directory_iterator(folder, error);
       !error && entry != fs::directory_iterator(); entry.increment(error)) {
    entries.push_back(entry->path());
  }
  std::ranges::sort(entries);
  return entries;
}

bool is_weights_file(const fs::path& file) {
  const std::string extension = file.extension().string();
  return extension == ".safetensors" || extension == ".gguf" || extension == ".bin" ||
         extension == ".pt" || extension == ".pth";
}

}  // namespace

std::string repository_folder(std::string_view id) {
  std::string folder(kPrefix);
  for (const char c : id) c == '/' ? folder += "--" : folder += c;
  return folder;
}

std::optional<std::string> repository_id(std::string_view folder) {
  if (!folder.starts_with(kPrefix)) return std::nullopt;
  std::string id(folder.substr(kPrefix.size()));
  if (const std::size_t dashes = id.find("--"); dashes != std::string::npos) {
    id.replace(dashes, 2, "/");
  }
  return is_repository_id(id) ? std::optional(id) : std::nullopt;
}

std::optional<Snapshot> find_snapshot(const fs::path& cache, const ModelId& model) {
  auto found = snapshot_of(cache, model.id, model.revision);
  const bool usable = found && has_model(found->folder);
  if (usable || model.old_id.empty()) return found;
  const auto old = snapshot_of(cache, model.old_id, model.revision);
  return old ? old : found;
}

bool has_model(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::exists(folder / "config.json", ignored)) return false;
  return std::ranges::any_of(entries_of(folder), [&](const fs::path& file) {
    return is_weights_file(file) && fs::exists(file, ignored);
  });
}

std::vector<CachedModel> list_cached(const fs::path& cache) {
  std::vector<CachedModel> models;
  for (const fs::path& repository : entries_of(cache)) {
    const auto id = repository_id(repository.filename().string());
    if (!id) continue;
    const auto refs = read_refs(repository);
    for (const fs::path& folder : entries_of(repository / "snapshots")) {
      const std::string commit = folder.filename().string();
      if (!is_commit(commit)) continue;
      CachedModel model{.snapshot = {*id, commit, folder},
                        .refs = {},
                        .bytes = bytes_in(folder),
                        .complete = has_model(folder)};
      if (const auto named = refs.find(commit); named != refs.end()) model.refs = named->second;
      models.push_back(std::move(model));
    }
  }
  return models;
}

std::vector<SnapshotFile> list_files(const fs::path& folder) {
  std::vector<SnapshotFile> files;
  std::error_code error;
  for (auto entry = fs::recursive_directory_iterator(folder, error);
       !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code ignored;
    const fs::path& path = entry->path();
    const bool is_folder = fs::is_directory(fs::symlink_status(path, ignored));
    if (path.filename().string().starts_with('.')) {
      if (is_folder) entry.disable_recursion_pending();
      continue;
    }
    if (is_folder) continue;
    SnapshotFile file{path.lexically_relative(folder).generic_string(), path, {}};
    if (entry->is_symlink(ignored)) {
      file.blob = (path.parent_path() / fs::read_symlink(path, ignored)).lexically_normal();
    }
    files.push_back(std::move(file));
  }
  std::ranges::sort(files, {}, &SnapshotFile::name);
  return files;
}

std::uint64_t bytes_in(const fs::path& folder) {
  std::uint64_t bytes = 0;
  for (const SnapshotFile& file : list_files(folder)) {
    std::error_code error;
    const std::uint64_t size = fs::file_size(file.path, error);
    if (!error) bytes += size;
  }
  return bytes;
}

}  // namespace patchbay::hub
