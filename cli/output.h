// Standard output for data, standard error for messages, and how texts and numbers look in them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cli/given.h"
#include "patchbay/io/json_writer.h"
#include "patchbay/report/text_table.h"

namespace patchbay::cli {

/// Thrown when whoever read standard output has gone: nothing to say, exit code 141.
struct ClosedPipe {};

/// Writes all of it to standard output. Throws kInputOutput when that fails, ClosedPipe when nobody
/// reads.
void write_output(std::string_view text);
/// Writes to standard error. What cannot be written there is lost: there is nobody to tell.
void write_error(std::string_view text) noexcept;
/// Gives each of the three standard streams that is closed a descriptor that cannot be used, so
/// that no file is opened in its place and what is written there fails as it did.
void hold_closed_streams() noexcept;

/// What --quiet and --color ask of the whole process from now on. Throws kUsage.
void choose_output(const Given& given);
/// Whether nothing but errors goes to standard error.
bool is_quiet();
/// A line on standard error, unless --quiet.
void message(std::string_view text);

/// How text is to look on standard output: in the colours that were asked for or that the terminal
/// shows; as in a file where there is none.
TextStyle text_style();
/// Bold, where standard output has colours.
std::string heading(std::string_view text);
/// The text, with what does not print escaped for a terminal. Line breaks and tabs stay.
std::string printable(std::string_view text);

/// A table for standard output.
class Table : public TextTable {
 public:
  using TextTable::TextTable;
  [[nodiscard]] std::string str() const { return TextTable::str(text_style()); }
};

/// "124,439,808"
std::string with_commas(std::uint64_t number);

/// A line on standard error that is written over and over, where that is a terminal.
class StatusLine {
 public:
  StatusLine();
  ~StatusLine() { clear(); }
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  [[nodiscard]] bool moves() const { return moves_; }
  /// In place of the last one where it moves, else as a line of its own.
  void show(std::string_view text);
  /// Leaves the terminal's line free for what comes next.
  void clear();

 private:
  bool moves_;
  bool open_ = false;
};

}  // namespace patchbay::cli
