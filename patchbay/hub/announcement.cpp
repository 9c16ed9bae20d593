// What the hub says of a file before it sends it.
#include "patchbay/hub/announcement.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "patchbay/hub/digest.h"
#include "patchbay/hub/patience.h"

namespace patchbay::hub {
namespace {

constexpr int kOk = 200;

// W/"abc" and "abc" are abc.
std::string plain_etag(std::string etag) {
  if (etag.starts_with("W/")) etag.erase(0, 2);
  std::erase(etag, '"');
  return etag;
}

}  // namespace

Url address_of(const HttpClient& client, const RemoteFile& file) {
  std::string path = fmt::format("/{}/resolve/{}", file.id, url_escaped(file.commit));
  for (std::string_view rest = file.name; !rest.empty();) {
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    path += "/" + url_escaped(rest.substr(0, slash));
    rest.remove_prefix(std::min(slash + 1, rest.size()));
  }
  return client.address(path);
}

std::optional<std::string> announced_etag(const HttpClient& client, const HttpResponse& answer) {
  if (answer.url.origin() != client.endpoint().origin()) return std::nullopt;
  if (const auto linked = answer.header("x-linked-etag")) return plain_etag(*linked);
  const auto own = answer.header("etag");
  if (!own || (answer.is_redirect() && !is_digest(plain_etag(*own)))) return std::nullopt;
  return plain_etag(*own);
}

Error refused(const RemoteFile& file, const HttpResponse& answer) {
  const bool forbidden = answer.status == 401 || answer.status == 403;
  const ErrorKind kind = answer.status == 404 ? ErrorKind::kNoInput : ErrorKind::kNetwork;
  return {kind, "hub",
          fmt::format("{} of {}: {}; {}", file.name, file.id, failure_of(answer),
                      forbidden ? "ask for access to the model on its page and set HF_TOKEN"
                                : "check the name, the network and HF_ENDPOINT")};
}

Announced ask_announced(const RunContext& ctx, const Settings& settings, HttpClient& client,
                        const RemoteFile& file, std::optional<std::uint64_t> bytes) {
  Patience patience(ctx, settings);
  // The hub's own answers matter; where the content is, asking for headers alone may be refused.
  const auto stop = [&](const HttpResponse& redirect) {
    const Url next = resolve_url(redirect.url, *redirect.header("location"));
    return redirect.header("x-linked-etag") || next.origin() != client.endpoint().origin();
  };
  while (true) {
    const auto answers = client.follow({.url = address_of(client, file), .head = true}, {}, stop);
    const HttpResponse& last = answers.back();
    if (last.may_pass()) {
      patience.wait(fmt::format("{} of {}", file.name, file.id), failure_of(last),
                    last.retry_after());
      continue;
    }
    if (!last.failure.empty() || (last.status != kOk && !last.is_redirect())) {
      throw refused(file, last);
    }
    const std::string etag = announced_etag(client, last).value_or("");
    auto size = last.number("x-linked-size");
    if (!size && !last.is_redirect()) size = last.number("content-length");
    if (!size) size = bytes;
    if (!is_digest(etag) || !size) {
      throw Error(
          ErrorKind::kNetwork, "hub",
          fmt::format("{} gives no {} of {}, so its content could not be checked; is it the "
                      "hub? Check HF_ENDPOINT",
                      client.endpoint().origin(), is_digest(etag) ? "size" : "digest", file.name));
    }
    return {etag, *size};
  }
}

}  // namespace patchbay::hub
