// New attempts after failures that may pass.
#include "patchbay/hub/patience.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "patchbay/base/error.h"

namespace patchbay::hub {
namespace {

using std::chrono::milliseconds;

constexpr int kMostAttempts = 6;
constexpr milliseconds kLongestPause{30'000};
constexpr milliseconds kLongestRequest{300'000};
constexpr std::uint64_t kWorthwhile = std::uint64_t{1} << 20;

void sleep(const RunContext& ctx, milliseconds duration) {
  constexpr milliseconds kBetweenLooks{50};
  const auto end = std::chrono::steady_clock::now() + duration;
  for (auto now = std::chrono::steady_clock::now(); now < end;
       now = std::chrono::steady_clock::now()) {
    ctx.check_cancelled();
    std::this_thread::sleep_for(
        std::min<std::chrono::steady_clock::duration>(kBetweenLooks, end - now));
  }
}

}  // namespace

std::string failure_of(const HttpResponse& response) {
  if (!response.failure.empty()) return "the transfer broke off: " + response.failure;
  // Somebody else's words: no controls for a terminal, and not too many.
  constexpr std::size_t kLongest = 200;
  std::string said = response.header("x-error-message").value_or("").substr(0, kLongest);
  std::erase_if(said, [](char c) { return c < ' ' || c > '~'; });
  return fmt::format("{} answers with status {}{}", response.url.origin(), response.status,
                     said.empty() ? "" : ": " + said);
}

void Patience::wait(const std::string& what, const std::string& failure,
                    std::optional<milliseconds> retry_after) {
  ++failures_;
  if (retry_after && *retry_after > kLongestRequest) {
    throw Error(ErrorKind::kNetwork, "hub",
                fmt::format("{}: {}; the server asks to be left alone for {} seconds, so try again "
                            "later; what is there will be continued",
                            what, failure, retry_after->count() / 1000));
  }
  if (failures_ >= kMostAttempts) {
    throw Error(ErrorKind::kNetwork, "hub",
                fmt::format("{}: {}, in the last of {} attempts; try again later; what is there "
                            "will be continued",
                            what, failure, kMostAttempts));
  }
  const milliseconds pause = std::min(kLongestPause, pause_ * (1 << (failures_ - 1)));
  std::uniform_int_distribution<std::int64_t> more(0, pause.count() / 2);
  sleep(ctx_, std::max(pause + milliseconds(more(random_)), retry_after.value_or(milliseconds(0))));
}

void Patience::received(std::uint64_t bytes) {
  if (bytes >= kWorthwhile) failures_ = 0;
}

HttpResponse ask_patiently(const RunContext& ctx, const Settings& settings, HttpClient& client,
                           const HttpRequest& request, const std::string& what) {
  Patience patience(ctx, settings);
  while (true) {
    HttpResponse answer = std::move(client.follow(request).back());
    if (!answer.may_pass()) return answer;
    patience.wait(what, failure_of(answer), answer.retry_after());
  }
}

}  // namespace patchbay::hub
