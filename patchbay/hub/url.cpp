// Addresses by libcurl's own parser, so that what is checked is what is connected to.
#include "patchbay/hub/url.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <memory>
#include <new>

#include "patchbay/base/error.h"
#include "patchbay/base/words.h"

namespace patchbay::hub {
namespace {

using Handle = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

std::string part(const Handle& handle, CURLUPart which, unsigned int flags = 0) {
  char* text = nullptr;
  if (curl_url_get(handle.get(), which, &text, flags) != CURLUE_OK) return "";
  std::string result(text);
  curl_free(text);
  return result;
}

bool set(const Handle& handle, const std::string& text) {
  return text.find('\0') == std::string::npos &&
         curl_url_set(handle.get(), CURLUPART_URL, text.c_str(), CURLU_DISALLOW_USER) == CURLUE_OK;
}

Url taken_apart(const Handle& handle) {
  Url url{.text = part(handle, CURLUPART_URL),
          .scheme = part(handle, CURLUPART_SCHEME),
          .host = lower_case(part(handle, CURLUPART_HOST)),
          .port = part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT)};
  return url;
}

bool is_web(const Url& url) {
  return (url.scheme == "http" || url.scheme == "https") && !url.host.empty();
}

Handle new_handle() {
  Handle handle(curl_url(), &curl_url_cleanup);
  if (handle == nullptr) throw std::bad_alloc();
  return handle;
}

}  // namespace

Url parse_url(const std::string& text, std::string_view where) {
  const Handle handle = new_handle();
  if (set(handle, text)) {
    Url url = taken_apart(handle);
    if (is_web(url)) return url;
  }
  throw Error(ErrorKind::kUsage, where,
              "is not an address such as https://huggingface.co, without a user's name in it; "
              "correct or unset it");
}

Url resolve_url(const Url& base, const std::string& location) {
  const Handle handle = new_handle();
  if (set(handle, base.text) && set(handle, location)) {
    Url url = taken_apart(handle);
    if (is_web(url)) return url;
  }
  throw Error(
      ErrorKind::kNetwork, "hub",
      fmt::format("{} redirects to something that is not an http or https address; is it the "
                  "hub? Check HF_ENDPOINT",
                  base.origin()));
}

std::string url_escaped(std::string_view part) {
  std::string result;
  for (const char c : part) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    plain ? result += c : result += fmt::format("%{:02X}", byte);
  }
  return result;
}

}  // namespace patchbay::hub
