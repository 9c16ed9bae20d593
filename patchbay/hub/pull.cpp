// A whole model, downloaded.
#include "patchbay/hub/pull.h"

#include <fmt/format.h>

#include <system_error>

#include "patchbay/base/error.h"
#include "patchbay/base/utf8.h"
#include "patchbay/hub/cache.h"
#include "patchbay/hub/cache_writer.h"
#include "patchbay/hub/digest.h"
#include "patchbay/hub/repository.h"

namespace patchbay::hub {
namespace {

namespace fs = std::filesystem;

class Pull {
 public:
  Pull(const DownloadContext& context, PulledModel& pulled)
      : context_(context),
        pulled_(pulled),
        repository_(context.settings.cache / repository_folder(pulled.model.id)),
        locks_(context.settings.cache / ".locks" / repository_folder(pulled.model.id)) {}

  void fetch(const std::vector<RepositoryFile>& files) {
    std::vector<Wanted> wanted;
    for (const RepositoryFile& file : files) {
      if (!take_what_is_there(file.name)) {
        const RemoteFile remote{pulled_.model.id, pulled_.commit, file.name};
        wanted.push_back({remote, announced(remote, file.bytes)});
      }
    }
    check_space(wanted);
    for (Wanted& file : wanted) fetch_one(file);
  }

  [[nodiscard]] const fs::path& repository() const { return repository_; }

 private:
  struct Wanted {
    RemoteFile remote;
    Announced announced;
  };

  [[nodiscard]] Announced announced(const RemoteFile& file,
                                    std::optional<std::uint64_t> bytes) const {
    return ask_announced(context_.ctx, context_.settings, context_.client, file, bytes);
  }

  [[nodiscard]] fs::path blob_of(const Announced& announced) const {
    return repository_ / "blobs" / announced.etag;
  }

  bool take_what_is_there(const std::string& name) {
    std::error_code error;
    const fs::path path = pulled_.folder / name;
    if (!fs::is_regular_file(path, error)) return false;
    PulledFile file{.name = name, .bytes = fs::file_size(path, error)};
    const std::string blob = fs::read_symlink(path, error).filename().string();
    if (is_digest(blob)) file.digest = blob;
    pulled_.files.push_back(std::move(file));
    return true;
  }

  // A blob of another size is damaged, and fetched again.
  static bool is_there(const fs::path& blob, const Announced& announced) {
    std::error_code error;
    return fs::is_regular_file(blob, error) && fs::file_size(blob, error) == announced.bytes;
  }

  void check_space(const std::vector<Wanted>& wanted) const {
    std::uint64_t needed = 0;
    for (const Wanted& file : wanted) {
      const fs::path blob = blob_of(file.announced);
      if (is_there(blob, file.announced)) continue;
      std::error_code error;
      const std::uint64_t done = fs::file_size(blob.string() + ".incomplete", error);
      needed += file.announced.bytes - (error ? 0 : std::min(done, file.announced.bytes));
    }
    if (needed == 0) return;
    const std::uint64_t free = free_space(context_.settings.cache);
    if (needed <= free) return;
    throw Error(ErrorKind::kInputOutput, "hub",
                fmt::format("{} needs {} bytes more, and the disk of {} has {} free; free some "
                            "space, or name a cache on another disk with HF_HUB_CACHE",
                            pulled_.model.id, needed, context_.settings.cache.string(), free));
  }

  void fetch_one(Wanted& file) {
    constexpr int kMostVersions = 3;
    for (int version = 0; version < kMostVersions; ++version) {
      const fs::path blob = blob_of(file.announced);
      const auto waiting = [&] {
        if (!context_.observer.note) return;
        context_.observer.note(file.remote.name + ": waiting for another process that fetches it");
      };
      make_folders(repository_ / "blobs");
      const BlobLock lock(context_.ctx, locks_ / (file.announced.etag + ".lock"), waiting);
      const bool there = is_there(blob, file.announced);
      if (there || download_blob(context_, file.remote, file.announced, blob)) {
        place_in_snapshot(blob, pulled_.folder / file.remote.name);
        pulled_.files.push_back(
            {file.remote.name, file.announced.bytes, file.announced.etag, !there});
        return;
      }
      file.announced = announced(file.remote, std::nullopt);
    }
    throw Error(ErrorKind::kNetwork, "hub",
                fmt::format("{} of {}: what the hub announces changes again and again; try again "
                            "later",
                            file.remote.name, file.remote.id));
  }

  const DownloadContext& context_;
  PulledModel& pulled_;
  fs::path repository_;
  fs::path locks_;
};

}  // namespace

PulledModel pull_model(const RunContext& ctx, const Settings& settings, const ModelId& model,
                       const Observer& observer) {
  if (!is_repository_id(model.id) || !is_revision(model.revision)) {
    throw Error(ErrorKind::kUsage, "hub",
                fmt::format("{} at {} is not a model of the hub; give what read_model_id reads",
                            in_quotes(model.id), in_quotes(model.revision)));
  }
  HttpClient client(ctx, settings);
  const DownloadContext context{ctx, settings, client, observer};
  const Repository repository = ask_repository(ctx, settings, client, model);
  const std::vector<RepositoryFile> files = choose_files(repository, model);

  PulledModel pulled{.model = model, .commit = repository.commit, .folder = {}, .files = {}};
  pulled.folder = settings.cache / repository_folder(model.id) / "snapshots" / repository.commit;
  Pull pull(context, pulled);
  pull.fetch(files);
  if (files.back().name.ends_with(".index.json")) {
    std::vector<RepositoryFile> shards;
    for (const std::string& name : read_shard_names(pulled.folder / files.back().name)) {
      const RepositoryFile* shard = repository.find(name);
      shards.push_back(shard != nullptr ? *shard : RepositoryFile{.name = name});
    }
    pull.fetch(shards);
  }
  write_ref(pull.repository(), model.revision, pulled.commit);
  return pulled;
}

}  // namespace patchbay::hub
