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

#include "cli/interruption.h"
#include "patchbay/base/error.h"
#include "patchbay/base/utf8.h"
#include "patchbay/base/visible_text.h"

namespace patchbay::cli {
namespace {

ColourChoice chosen_colours = ColourChoice::kAuto;

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

TerminalColours output_colours() {
  switch (chosen_colours) {
    case ColourChoice::kNever:
      return TerminalColours::kNone;
    case ColourChoice::k16:
      return TerminalColours::k16;
    case ColourChoice::k256:
      return TerminalColours::k256;
    case ColourChoice::k24Bit:
      return TerminalColours::k24Bit;
    case ColourChoice::kAlways:
      return colours_of_terminal();
    case ColourChoice::kAuto:
      break;
  }
  const std::string_view terminal = variable("TERM");
  const bool plain = !variable("NO_COLOR").empty() || terminal.empty() || terminal == "dumb";
  return plain || isatty(STDOUT_FILENO) != 1 ? TerminalColours::kNone : colours_of_terminal();
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

template <class T>
void write_array(JsonWriter& json, std::string_view name, std::span<const T> values) {
  json.key(name).begin_array(JsonLayout::kInline);
  for (const T& value : values) json.value(value);
  json.end_array();
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

void message(const CommonOptions& common, std::string_view text) {
  if (!common.quiet) write_error(fmt::format("{}\n", text));
}

void choose_colours(ColourChoice choice) { chosen_colours = choice; }

TextStyle text_style() {
  const bool terminal = isatty(STDOUT_FILENO) == 1;
  const TerminalStyle style{.colours = output_colours(), .width = output_width()};
  const bool asked = chosen_colours != ColourChoice::kAuto;
  return {.bold = style.colours != TerminalColours::kNone,
          .escaped = terminal,
          .terminal = asked || terminal ? std::optional(style) : std::nullopt};
}

std::string heading(std::string_view text) { return heading(text, text_style()); }

std::string quote(std::string_view text) {
  std::string result = "\"";
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find_first_of("\"\\", begin), text.size());
    result += visible_text(text.substr(begin, end - begin));
    if (end < text.size()) result += {'\\', text[end]};
    begin = end + 1;
  }
  return result + "\"";
}

std::string printable(std::string_view text) { return printable(text, text_style()); }

std::string Table::str() const { return TextTable::str(text_style()); }

std::string bracketed(std::span<const std::int64_t> values) {
  return fmt::format("[{}]", fmt::join(values, ", "));
}

std::string with_commas(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (auto i = static_cast<std::ptrdiff_t>(digits.size()) - 3; i > 0; i -= 3) {
    digits.insert(static_cast<std::size_t>(i), ",");
  }
  return digits;
}

void write_token(JsonWriter& json, TokenId id, const std::optional<std::string>& bytes) {
  json.member("id", id);
  if (!bytes) {
    json.key("token").null();
    return;
  }
  json.member("token", *bytes);
  if (!find_invalid_utf8(*bytes)) return;
  json.key("bytes").begin_array(JsonLayout::kInline);
  for (const char byte : *bytes) json.value(static_cast<int>(static_cast<unsigned char>(byte)));
  json.end_array();
}

void write_integers(JsonWriter& json, std::string_view name, std::span<const std::int64_t> values) {
  write_array(json, name, values);
}
void write_integers(JsonWriter& json, std::string_view name, std::span<const TokenId> values) {
  write_array(json, name, values);
}
void write_strings(JsonWriter& json, std::string_view name, std::span<const std::string> values) {
  write_array(json, name, values);
}

}  // namespace patchbay::cli
