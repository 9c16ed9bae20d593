// What the hub says of a file before it sends it: under which digest, and how long.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "patchbay/base/error.h"
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

/// The address of its content.
Url address_of(const HttpClient& client, const RemoteFile& file);

/// The etag of the content behind an answer, as far as the endpoint itself says it: the servers it
/// redirects to have etags of their own.
std::optional<std::string> announced_etag(const HttpClient& client, const HttpResponse& answer);

/// The error for an answer that no new attempt will change.
Error refused(const RemoteFile& file, const HttpResponse& answer);

/// Asks for the headers of a file: the hub has them in its own answer, before it redirects to where
/// the content is. `bytes` is used when no header has the size. Throws kNoInput when the file is
/// not there, kNetwork otherwise.
Announced ask_announced(const RunContext& ctx, const Settings& settings, HttpClient& client,
                        const RemoteFile& file, std::optional<std::uint64_t> bytes);

}  // namespace patchbay::hub
