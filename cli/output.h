// Standard output for data, standard error for messages, and how texts and numbers look in them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.h"
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
/// A line on standard error, unless --quiet.
void message(const CommonOptions& common, std::string_view text);

/// What --color asked for, until it is called again.
void choose_colours(ColourChoice choice);
/// How text is to look on standard output: in the colours that were asked for or that the terminal
/// shows; as in a file where there is none.
TextStyle text_style();
/// Bold, where standard output has colours.
std::string heading(std::string_view text);

/// The text in double quotes, whole: what does not print (controls, directions, bytes that are not
/// UTF-8) is escaped.
std::string quote(std::string_view text);
/// Such a text without quotes for a terminal, as it is for files and pipes. Line breaks and tabs
/// stay.
std::string printable(std::string_view text);

/// A table for standard output.
class Table : public TextTable {
 public:
  using TextTable::TextTable;
  [[nodiscard]] std::string str() const;
};

/// "[1, 12, 32]"
std::string bracketed(std::span<const std::int64_t> values);
/// "124,439,808"
std::string with_commas(std::int64_t number);

/// Members "id" and "token"; and "bytes", when the token is not UTF-8 on its own. The token is null
/// where it is not known.
void write_token(JsonWriter& json, TokenId id, const std::optional<std::string>& bytes);
/// key(name) and an array on one line.
void write_integers(JsonWriter& json, std::string_view name, std::span<const std::int64_t> values);
void write_integers(JsonWriter& json, std::string_view name, std::span<const TokenId> values);
void write_strings(JsonWriter& json, std::string_view name, std::span<const std::string> values);

}  // namespace patchbay::cli
