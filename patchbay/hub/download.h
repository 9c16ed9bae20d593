// One file of a repository: its digest asked first, then its bytes, continued where they stopped
// and believed only when size and digest agree.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "patchbay/hub/http.h"

namespace patchbay::hub {

/// A file at one commit, as an address names it.
struct RemoteFile {
  std::string id;      ///< "openai-community/gpt2"
  std::string commit;  ///< pins the version
  std::string name;
};

/// Its content, as the endpoint announces it.
struct Announced {
  std::string etag;  ///< SHA-256 or git's SHA-1, the name of its blob
  std::uint64_t bytes = 0;
};

/// How far a file has come.
struct FileProgress {
  std::string file;
  std::uint64_t done = 0;
  std::uint64_t total = 0;
};

/// Who watches: the library itself prints nothing. Both are called by the thread that downloads.
struct Observer {
  std::function<void(const std::string& sentence)> note{};
  std::function<void(const FileProgress& progress)> progress{};
};

/// What every step of a download needs.
struct DownloadContext {
  const RunContext& ctx;
  const Settings& settings;
  HttpClient& client;
  const Observer& observer;
};

/// Asks for the headers of a file: the hub has them in its own answer, before it redirects to where
/// the content is. `bytes` is used when no header has the size. Throws kNoInput when the file is
/// not there, kNetwork otherwise.
Announced ask_announced(const DownloadContext& context, const RemoteFile& file,
                        std::optional<std::uint64_t> bytes);

/// Downloads the content to `blob` by way of `blob`.incomplete, which is continued when it is there
/// and stays when this throws. False when the endpoint announces another etag meanwhile. The caller
/// has the blob's lock.
bool download_blob(const DownloadContext& context, const RemoteFile& file,
                   const Announced& announced, const std::filesystem::path& blob);

}  // namespace patchbay::hub
