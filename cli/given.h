// What one verb's arguments were, read from text with errors that say what to type instead.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace patchbay::cli {

/// Throws kUsage for whatever is not as it should be.
class Given {
 public:
  /// The words of every option that the verb has, by its name; a flag that is there has one.
  using Words = std::map<std::string, std::vector<std::string>>;

  Given(std::string command, Words words)
      : command_(std::move(command)), words_(std::move(words)) {}

  /// Whether it is an option of the verb.
  [[nodiscard]] bool knows(const std::string& name) const { return words_.contains(name); }
  [[nodiscard]] const std::vector<std::string>& all(const std::string& name) const {
    return words_.at(name);
  }
  [[nodiscard]] bool flag(const std::string& name) const { return !all(name).empty(); }
  /// Nothing when it is not there; as all here.
  [[nodiscard]] std::optional<std::string> one(const std::string& name) const;
  /// An empty text when it is not there.
  [[nodiscard]] std::string text(const std::string& name) const { return one(name).value_or(""); }
  /// The argument, or the error that says `missing`.
  [[nodiscard]] std::string required(const std::string& name, std::string_view missing) const;
  /// The parts between commas, of all times that it is there.
  [[nodiscard]] std::vector<std::string> list(const std::string& name) const;
  /// A whole number of [least, most].
  [[nodiscard]] std::optional<std::int64_t> integer(const std::string& name, std::int64_t least,
                                                    std::int64_t most) const;
  /// A whole number of [0, 2^64).
  [[nodiscard]] std::optional<std::uint64_t> unsigned_integer(const std::string& name) const;
  /// A number of bytes: "4096", "64K", "512M", "2G", in powers of 1,024.
  [[nodiscard]] std::optional<std::int64_t> bytes(const std::string& name) const;
  /// More than 0 and at most a year: "90", "90s", "1.5m", "2h".
  [[nodiscard]] std::optional<double> seconds(const std::string& name) const;

  /// "WHAT; patchbay model info --help shows examples"
  [[noreturn]] void fail(std::string_view what) const;

 private:
  std::string command_;  // "patchbay model info"
  Words words_;
};

/// A whole number of [least, most]; errors are about `option`.
std::int64_t read_integer(std::string_view option, std::string_view text, std::int64_t least,
                          std::int64_t most);
/// The parts between commas, without spaces around them.
std::vector<std::string> split_at_commas(std::string_view text);

}  // namespace patchbay::cli
