// Addresses: what a redirect leads to, and whether two belong to one server.
#pragma once

#include <string>
#include <string_view>

namespace patchbay::hub {

/// An http or https address, taken apart.
struct Url {
  std::string text;    ///< all of it
  std::string scheme;  ///< "http" or "https"
  std::string host;
  std::string port;

  /// "https://huggingface.co:443": whom a token may be shown to. Says nothing of the path, which
  /// may hold a signature.
  [[nodiscard]] std::string origin() const { return scheme + "://" + host + ":" + port; }
};

/// Throws kUsage, naming `where`, for anything but http://HOST… and https://HOST…, and for an
/// address with a user's name in it.
Url parse_url(const std::string& text, std::string_view where);

/// Where a Location header leads from `base`. Throws kNetwork for an address that is none.
Url resolve_url(const Url& base, const std::string& location);

/// A part of a path with everything but letters, digits and "-._~" as %XX.
std::string url_escaped(std::string_view part);

}  // namespace patchbay::hub
