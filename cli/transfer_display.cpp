// How far a download is, on standard error.
#include "cli/transfer_display.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "cli/output.h"

namespace patchbay::cli {
namespace {

using std::chrono::duration;
using std::chrono::seconds;

bool error_is_terminal() {
  const char* terminal = std::getenv("TERM");
  return terminal != nullptr && std::string_view(terminal) != "dumb" && isatty(STDERR_FILENO) == 1;
}

}  // namespace

std::string megabytes(std::uint64_t bytes) {
  constexpr double kMega = 1e6;
  constexpr std::uint64_t kSmall = 100'000;
  if (bytes < kSmall) return fmt::format("{} bytes", with_commas(static_cast<std::int64_t>(bytes)));
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / kMega);
}

TransferDisplay::TransferDisplay(const CommonOptions& common)
    : common_(common), terminal_(error_is_terminal()) {}

void TransferDisplay::note(const std::string& sentence) {
  clear();
  message(common_, sentence);
}

void TransferDisplay::begin_file(const hub::FileProgress& progress) {
  file_ = progress.file;
  first_ = progress.done;
  begin_ = shown_ = Clock::now();
}

void TransferDisplay::show(const hub::FileProgress& progress) {
  if (common_.quiet) return;
  const auto now = Clock::now();
  const bool fresh = progress.file != file_;
  if (fresh) begin_file(progress);
  const bool done = progress.done == progress.total;
  const auto interval = terminal_ ? Clock::duration(std::chrono::milliseconds(200)) : seconds(10);
  if (!done && !(fresh && terminal_) && now - shown_ < interval) return;
  shown_ = now;
  const double elapsed = duration<double>(now - begin_).count();
  constexpr double kShortest = 0.5;  // before that, a speed says nothing
  const bool grown = progress.done > first_ && elapsed > kShortest;
  const std::string speed =
      grown ? fmt::format(", {}/s", megabytes(static_cast<std::uint64_t>(
                                        static_cast<double>(progress.done - first_) / elapsed)))
            : "";
  const std::uint64_t percent = progress.total == 0 ? 100 : progress.done * 100 / progress.total;
  const std::string line =
      fmt::format("{}: {}% of {}{}", progress.file, percent, megabytes(progress.total), speed);
  if (!terminal_) {
    write_error(line + "\n");
  } else {
    write_error("\r\x1b[K" + line);
    line_open_ = true;
  }
}

void TransferDisplay::clear() {
  if (!line_open_) return;
  write_error("\r\x1b[K");
  line_open_ = false;
}

}  // namespace patchbay::cli
