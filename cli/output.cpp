// Standard output for data, standard error for messages, and how texts and numbers look in them.
#include "cli/output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "cli/interruption.h"
#include "patchbay/base/error.h"
#include "patchbay/base/visible_text.h"

namespace patchbay::cli {
namespace {

// What --color can be; nothing stands for the terminal's own.
struct ColourChoice {
  std::string_view word;
  std::optional<TerminalColours> colours;
};

constexpr ColourChoice kChoices[] = {{"auto", std::nullopt},
                                     {"always", std::nullopt},
                                     {"never", TerminalColours::kNone},
                                     {"16", TerminalColours::k16},
                                     {"256", TerminalColours::k256},
                                     {"truecolor", TerminalColours::k24Bit}};

const ColourChoice* chosen = kChoices;
bool quiet = false;

bool is_auto() { return chosen == kChoices; }

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// What the terminal says it shows.
TerminalColours colours_of_terminal() {
  const std::string_view colours = variable("COLORTERM");
  if (colours == "truecolor" || colours == "24bit") return TerminalColours::k24Bit;
  const std::string_view terminal = variable("TERM");
  return terminal.find("256color") != std::string_view::npos ? TerminalColours::k256
                                                             : TerminalColours::k16;
}

// Whether the stream leads to a terminal that does what escapes say.
bool obeys_escapes(int stream) {
  const std::string_view terminal = variable("TERM");
  return !terminal.empty() && terminal != "dumb" && isatty(stream) == 1;
}

bool shows_colours() { return variable("NO_COLOR").empty() && obeys_escapes(STDOUT_FILENO); }

TerminalColours output_colours() {
  if (chosen->colours) return *chosen->colours;
  return !is_auto() || shows_colours() ? colours_of_terminal() : TerminalColours::kNone;
}

int output_width() {
  constexpr int kUsual = 80;
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const std::string_view text = variable("COLUMNS");
  int columns = 0;
  std::from_chars(text.data(), text.data() + text.size(), columns);
  return columns > 0 ? columns : kUsual;
}

}  // namespace

void write_output(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(STDOUT_FILENO, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
      continue;
    }
    if (errno == EPIPE) throw ClosedPipe{};
    if (errno != EINTR) {
      throw Error(ErrorKind::kInputOutput, "standard output",
                  fmt::format("cannot be written: {}; see where it leads", std::strerror(errno)));
    }
    check_interrupted();
  }
}

void write_error(std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
    if (written < 0 && errno != EINTR) return;
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void hold_closed_streams() noexcept {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(stream, F_GETFD) != -1) continue;
    // The lowest free descriptor is this one. Reading is all that a stream for writing cannot do.
    static_cast<void>(open("/dev/null", stream == STDOUT_FILENO ? O_RDONLY : O_WRONLY));
  }
}

void choose_output(const Given& given) {
  quiet = given.flag("--quiet");
  const auto word = given.one("--color");
  if (!word) return;
  const auto* const found = std::ranges::find(kChoices, *word, &ColourChoice::word);
  if (found == std::ranges::end(kChoices)) {
    given.fail(fmt::format("--color is auto, always, never, 16, 256 or truecolor, not {}",
                           quoted_text(*word)));
  }
  chosen = found;
}

bool is_quiet() { return quiet; }

void message(std::string_view text) {
  if (!quiet) write_error(fmt::format("{}\n", text));
}

TextStyle text_style() {
  const bool terminal = isatty(STDOUT_FILENO) == 1;
  const TerminalStyle style{.colours = output_colours(), .width = output_width()};
  return {.bold = style.colours != TerminalColours::kNone,
          .escaped = terminal,
          .terminal = !is_auto() || terminal ? std::optional(style) : std::nullopt};
}

std::string heading(std::string_view text) { return heading(text, text_style()); }

std::string printable(std::string_view text) { return printable(text, text_style()); }

std::string with_commas(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (auto i = static_cast<std::ptrdiff_t>(digits.size()) - 3; i > 0; i -= 3) {
    digits.insert(static_cast<std::size_t>(i), ",");
  }
  return digits;
}

StatusLine::StatusLine() : moves_(obeys_escapes(STDERR_FILENO)) {}

void StatusLine::show(std::string_view text) {
  write_error(moves_ ? fmt::format("\r{}\x1b[K", text) : fmt::format("{}\n", text));
  open_ = moves_;
}

void StatusLine::clear() {
  if (open_) write_error("\r\x1b[K");
  open_ = false;
}

}  // namespace patchbay::cli
