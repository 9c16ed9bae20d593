// One file of a repository: its digest asked first, then its bytes, continued where they stopped
// and believed only when size and digest agree.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "patchbay/hub/announcement.h"

namespace patchbay::hub {

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

/// Downloads the content to `blob` by way of `blob`.incomplete, which is continued when it is there
/// and stays when this throws. False when the endpoint announces another etag meanwhile. The caller
/// has the blob's lock.
bool download_blob(const DownloadContext& context, const RemoteFile& file,
                   const Announced& announced, const std::filesystem::path& blob);

}  // namespace patchbay::hub
