// One HTTP exchange at a time, by libcurl.
#include "patchbay/hub/http.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <ctime>
#include <exception>
#include <new>

#include "patchbay/base/error.h"
#include "patchbay/base/version.h"
#include "patchbay/base/words.h"

namespace patchbay::hub {
namespace {

constexpr int kMostRedirects = 8;
constexpr std::size_t kLongestBody = std::size_t{16} << 20;  // of what no sink takes
constexpr std::size_t kLongestHeaders = std::size_t{256} << 10;

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// Once a process, and never undone: other threads may still use the library.
void start_libcurl() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK) {
    throw Error(
        ErrorKind::kNetwork, "hub",
        fmt::format("libcurl cannot start: {}; is it installed whole?", curl_easy_strerror(code)));
  }
}

bool is_hopeless(CURLcode code) {
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_FAILED_INIT:
    case CURLE_NOT_BUILT_IN:
      return true;
    default:
      return false;
  }
}

// OpenSSL writes to connections that the other side may have closed; a signal for that would end a
// program that does not expect it. Blocked, it is taken away before anybody sees it.
class WithoutBrokenPipe {
 public:
  WithoutBrokenPipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    was_pending_ = sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
    blocked_ = pthread_sigmask(SIG_BLOCK, &pipe_, &before_) == 0;
  }
  WithoutBrokenPipe(const WithoutBrokenPipe&) = delete;
  WithoutBrokenPipe& operator=(const WithoutBrokenPipe&) = delete;
  ~WithoutBrokenPipe() {
    if (!blocked_) return;
    const timespec now{};
    if (!was_pending_) static_cast<void>(sigtimedwait(&pipe_, nullptr, &now));
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t pipe_{};
  sigset_t before_{};
  bool was_pending_ = false;
  bool blocked_ = false;
};

}  // namespace

struct HttpClient::Curl {
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy{curl_easy_init(), &curl_easy_cleanup};
  std::array<char, CURL_ERROR_SIZE> message{};
};

// What libcurl's callbacks see of one exchange. No exception may pass through libcurl.
struct HttpClient::Transfer {
  const RunContext& ctx;
  const BodySink& sink;
  HttpResponse response;
  std::size_t header_bytes = 0;
  bool stopped = false;
  bool too_long = false;
  std::exception_ptr thrown{};

  [[nodiscard]] bool goes_to_sink() const {
    constexpr int kSuccess = 2;
    return sink && response.status / 100 == kSuccess;
  }

  void read_header(std::string_view line) {
    if (line.starts_with("HTTP/")) {  // an earlier answer was 100 Continue or a proxy's
      response.headers.clear();
      const std::size_t space = std::min(line.find(' '), line.size());
      const std::string_view rest = trimmed(line.substr(space));
      response.status = 0;
      std::from_chars(rest.data(), rest.data() + rest.size(), response.status);
      return;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;
    response.headers.emplace_back(lower_case(trimmed(line.substr(0, colon))),
                                  trimmed(line.substr(colon + 1)));
  }

  bool read_body(std::span<const std::byte> bytes) {
    if (goes_to_sink()) return sink(response, bytes);
    if (response.body.size() + bytes.size() > kLongestBody) {
      too_long = true;
      return false;
    }
    for (const std::byte byte : bytes) response.body.push_back(static_cast<char>(byte));
    return true;
  }

  template <class Action>
  bool guarded(const Action& action) noexcept {
    try {
      return action();
    } catch (...) {
      thrown = std::current_exception();
      return false;
    }
  }

  static std::size_t on_header(char* text, std::size_t, std::size_t size, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    const bool more = transfer.guarded([&] {
      transfer.header_bytes += size;
      transfer.too_long = transfer.header_bytes > kLongestHeaders;
      if (transfer.too_long) return false;
      const std::string_view line(text, size);
      transfer.read_header(line);
      const bool last = trimmed(line).empty() && transfer.response.status >= 200;
      if (!last || !transfer.goes_to_sink()) return true;
      transfer.stopped = !transfer.sink(transfer.response, {});
      return !transfer.stopped;
    });
    return more ? size : 0;
  }
  static std::size_t on_body(char* bytes, std::size_t, std::size_t size, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    const bool more = transfer.guarded([&] {
      const bool wanted = transfer.read_body(std::as_bytes(std::span<const char>(bytes, size)));
      transfer.stopped = !wanted && !transfer.too_long;
      return wanted;
    });
    return more ? size : 0;
  }
  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<Transfer*>(self)->ctx.cancelled() ? 1 : 0;
  }
};

HttpClient::HttpClient(const RunContext& ctx, const Settings& settings)
    : ctx_(ctx), settings_(settings) {
  if (settings.offline) {
    throw Error(ErrorKind::kNetwork, "hub",
                "HF_HUB_OFFLINE is set, so nothing is downloaded; unset it to go online");
  }
  endpoint_ = parse_url(settings.endpoint, "HF_ENDPOINT");
  const std::string token = read_token(settings);
  if (!token.empty()) authorization_ = "Authorization: Bearer " + token;
  start_libcurl();
  curl_ = std::make_unique<Curl>();
  if (curl_->easy == nullptr) throw std::bad_alloc();
}

HttpClient::~HttpClient() = default;

Url HttpClient::address(const std::string& path) const {
  return parse_url(settings_.endpoint + path, "HF_ENDPOINT");
}

HttpResponse HttpClient::ask(const HttpRequest& request, const BodySink& sink) {
  ctx_.check_cancelled();
  CURL* const easy = curl_->easy.get();
  curl_easy_reset(easy);  // connections stay
  Transfer transfer{.ctx = ctx_, .sink = sink, .response = {.url = request.url}};

  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(nullptr,
                                                                      &curl_slist_free_all);
  const auto add = [&](const std::string& header) {
    curl_slist* longer = curl_slist_append(headers.get(), header.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    if (headers == nullptr) headers.reset(longer);  // the first stays the head of the list
  };
  for (const std::string& header : request.headers) add(header);
  add("Accept-Encoding: identity");  // sizes and digests are those of the file itself
  if (!authorization_.empty() && request.url.origin() == endpoint_.origin()) add(authorization_);

  const std::string agent = fmt::format("patchbay/{}", kVersion);
  const auto stall = static_cast<long>((settings_.stall.count() + 999) / 1000);
  constexpr long kSlowest = 1024;  // bytes a second
  curl_easy_setopt(easy, CURLOPT_URL, request.url.text.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, agent.c_str());
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(easy, CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_NOBODY, request.head ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings_.stall.count()));
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, kSlowest);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, stall);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, curl_->message.data());
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, &Transfer::on_progress);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  if (!settings_.certificates.empty()) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, settings_.certificates.c_str());
  }

  curl_->message[0] = '\0';
  const CURLcode code = [easy] {
    const WithoutBrokenPipe quietly;
    return curl_easy_perform(easy);
  }();
  if (transfer.thrown) std::rethrow_exception(transfer.thrown);
  ctx_.check_cancelled();
  if (transfer.too_long) {
    transfer.response.failure = "the answer is longer than any such answer should be";
    transfer.response.hopeless = true;
  } else if (code != CURLE_OK && !transfer.stopped) {
    transfer.response.failure =
        curl_->message[0] != '\0' ? curl_->message.data() : curl_easy_strerror(code);
    transfer.response.hopeless = is_hopeless(code);
  }
  return std::move(transfer.response);
}

std::vector<HttpResponse> HttpClient::follow(HttpRequest request, const BodySink& sink,
                                             const std::function<bool(const HttpResponse&)>& stop) {
  std::vector<HttpResponse> answers;
  while (true) {
    answers.push_back(ask(request, sink));
    const HttpResponse& answer = answers.back();
    const auto location = answer.header("location");
    if (!answer.failure.empty() || !answer.is_redirect() || !location) return answers;
    if (stop && stop(answer)) return answers;
    if (answers.size() > kMostRedirects) {
      throw Error(ErrorKind::kNetwork, "hub",
                  fmt::format("{} redirects more than {} times; check HF_ENDPOINT, or try again "
                              "later",
                              endpoint_.origin(), kMostRedirects));
    }
    Url next = resolve_url(request.url, *location);
    if (next.scheme == "http" && (request.url.scheme == "https" || endpoint_.scheme == "https")) {
      throw Error(ErrorKind::kNetwork, "hub",
                  fmt::format("{} redirects to {}, which is not encrypted, so the download is "
                              "refused; check HF_ENDPOINT",
                              request.url.origin(), next.origin()));
    }
    request.url = std::move(next);
  }
}

}  // namespace patchbay::hub
