// One HTTP exchange at a time, by libcurl: requests, redirects followed by hand, and failures told
// apart into those that may pass and those that will not.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "patchbay/base/run_context.h"
#include "patchbay/hub/environment.h"
#include "patchbay/hub/url.h"

namespace patchbay::hub {

struct HttpRequest {
  Url url;
  bool head = false;                   ///< ask for the headers alone
  std::vector<std::string> headers{};  ///< "Range: bytes=10-"
};

/// The answer of one server.
struct HttpResponse {
  Url url;  ///< the address that was asked for this answer
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers{};  ///< names in small letters
  std::string body{};                                          ///< what no sink took
  std::string failure{};  ///< why the transfer broke off, empty when it did not
  bool hopeless = false;  ///< the failure will not pass, as with a certificate that is not trusted

  /// The last header of that name, which is given in small letters.
  [[nodiscard]] std::optional<std::string> header(std::string_view name) const;
  /// A header that is a number of bytes.
  [[nodiscard]] std::optional<std::uint64_t> number(std::string_view name) const;
  [[nodiscard]] bool is_redirect() const;
  /// 408, 429, 5xx or a broken transfer: what a new attempt may cure.
  [[nodiscard]] bool may_pass() const;
  /// How long the server asks to be left alone.
  [[nodiscard]] std::optional<std::chrono::milliseconds> retry_after() const;
};

/// Takes the body of a 2xx answer; called first with no bytes, when the headers are there. False
/// stops the transfer. What it throws comes out of HttpClient::ask.
using BodySink = std::function<bool(const HttpResponse& head, std::span<const std::byte> bytes)>;

/// A connection that is kept between exchanges. The token goes to the endpoint's own origin alone.
class HttpClient {
 public:
  /// Throws kNetwork when settings.offline is set: no socket is opened then.
  HttpClient(const RunContext& ctx, const Settings& settings);
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  ~HttpClient();

  /// One exchange. Throws kInterrupted, and what the sink throws; everything else is in the answer.
  HttpResponse ask(const HttpRequest& request, const BodySink& sink = {});

  /// Exchanges until one is not a redirect, and returns all answers, at least one. `stop` may end
  /// it at a redirect. Throws kNetwork for a redirect from https to http, to another scheme, or one
  /// too many.
  std::vector<HttpResponse> follow(HttpRequest request, const BodySink& sink = {},
                                   const std::function<bool(const HttpResponse&)>& stop = {});

  [[nodiscard]] const Url& endpoint() const { return endpoint_; }
  /// An address on the endpoint; path begins with a slash.
  [[nodiscard]] Url address(const std::string& path) const;

 private:
  struct Transfer;
  const RunContext& ctx_;
  Settings settings_;
  Url endpoint_;
  std::string authorization_;
  struct Curl;
  std::unique_ptr<Curl> curl_;
};

}  // namespace patchbay::hub
