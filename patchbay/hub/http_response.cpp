// What the answer of a server says.
#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <ctime>

#include "patchbay/hub/http.h"

namespace patchbay::hub {
namespace {

constexpr int kTooManyRequests = 429;
constexpr int kRequestTimeout = 408;

}  // namespace

std::optional<std::string> HttpResponse::header(std::string_view name) const {
  const auto found = std::find_if(headers.rbegin(), headers.rend(),
                                  [&](const auto& header) { return header.first == name; });
  return found == headers.rend() ? std::nullopt : std::optional(found->second);
}

std::optional<std::uint64_t> HttpResponse::number(std::string_view name) const {
  const auto text = header(name);
  if (!text) return std::nullopt;
  std::uint64_t value = 0;
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, value);
  return error == std::errc() && stop == end ? std::optional(value) : std::nullopt;
}

bool HttpResponse::is_redirect() const {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool HttpResponse::may_pass() const {
  if (hopeless) return false;
  return !failure.empty() || status == kRequestTimeout || status == kTooManyRequests ||
         (status >= 500 && status != 501 && status != 505);
}

std::optional<std::chrono::milliseconds> HttpResponse::retry_after() const {
  const auto text = header("retry-after");
  if (!text) return std::nullopt;
  constexpr std::uint64_t kLongest = 1'000'000'000;
  if (const auto seconds = number("retry-after")) {
    return std::chrono::seconds(std::min(*seconds, kLongest));
  }
  const std::time_t date = curl_getdate(text->c_str(), nullptr);
  if (date < 0) return std::nullopt;
  return std::chrono::seconds(std::max<std::time_t>(0, date - std::time(nullptr)));
}

}  // namespace patchbay::hub
