// New attempts after failures that may pass: how many, and how long between them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string>

#include "patchbay/base/run_context.h"
#include "patchbay/hub/http.h"

namespace patchbay::hub {

/// What went wrong with an answer, for a message: "the connection broke: …", "answers 503".
std::string failure_of(const HttpResponse& response);

/// Pauses that double from Settings::pause up to 30 seconds, with up to half of it added at random
/// so that many processes do not come back together; a server's Retry-After is kept to when it is
/// five minutes at most. Six attempts; one that brought a mebibyte is not counted.
class Patience {
 public:
  Patience(const RunContext& ctx, const Settings& settings) : ctx_(ctx), pause_(settings.pause) {}

  /// Call it after a failed attempt, with what it was to fetch. Returns after the pause. Throws
  /// kNetwork when the patience is at its end, kInterrupted when the run is cancelled meanwhile.
  void wait(const std::string& what, const std::string& failure,
            std::optional<std::chrono::milliseconds> retry_after = {});

  /// An attempt brought that many bytes.
  void received(std::uint64_t bytes);

 private:
  const RunContext& ctx_;
  std::chrono::milliseconds pause_;
  int failures_ = 0;
  std::minstd_rand random_{std::random_device{}()};
};

/// follow() until an answer says that no new attempt helps; the last answer of the chain.
HttpResponse ask_patiently(const RunContext& ctx, const Settings& settings, HttpClient& client,
                           const HttpRequest& request, const std::string& what);

}  // namespace patchbay::hub
