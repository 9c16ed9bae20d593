// GPT-2's vocabulary for the tests, and folders with files that a test makes up.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>

#include "patchbay/base/error.h"
#include "patchbay/text/tokenizer.h"
#include "tests/support/temporary_directory.h"

namespace patchbay::testing {

inline std::filesystem::path gpt2_folder() {
  return std::filesystem::path(PATCHBAY_GOLDEN_DIR) / "gpt2-tokenizer";
}

inline const Tokenizer& gpt2() {
  static const Tokenizer tokenizer = Tokenizer::from_folder(gpt2_folder());
  return tokenizer;
}

inline std::string file_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline constexpr std::string_view kByteLevel =
    R"({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true})";
inline constexpr std::string_view kDigitsThenByteLevel =
    R"({"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": true},
        {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true}]})";

/// GPT-2's vocabulary as a tokenizer.json. Merges are "a b", or with `pairs` ["a", "b"].
inline std::string gpt2_tokenizer_json(std::string_view pre_tokenizer, bool pairs) {
  std::string merges;
  std::istringstream lines(file_text(gpt2_folder() / "merges.txt"));
  std::string line;
  std::getline(lines, line);  // #version
  while (std::getline(lines, line)) {
    if (!merges.empty()) merges += ",\n";
    merges += pairs ? "[\"" : "\"";
    for (const char c : line) {
      if (c == '"' || c == '\\') merges += '\\';
      merges += c == ' ' && pairs ? std::string("\", \"") : std::string(1, c);
    }
    merges += pairs ? "\"]" : "\"";
  }
  return R"({"version": "1.0", "truncation": null, "padding": null, "added_tokens": [{"id": 50256,
    "content": "<|endoftext|>", "single_word": false, "lstrip": false, "rstrip": false,
    "normalized": false, "special": true}], "normalizer": null, "pre_tokenizer": )" +
         std::string(pre_tokenizer) + R"(, "post_processor": {"type": "TemplateProcessing"},
    "decoder": {"type": "ByteLevel"}, "model": {"type": "BPE", "dropout": null, "unk_token": null,
    "continuing_subword_prefix": "", "end_of_word_suffix": null, "fuse_unk": false,
    "byte_fallback": false, "ignore_merges": false, "vocab": )" +
         file_text(gpt2_folder() / "vocab.json") + ", \"merges\": [" + merges + "]}}";
}

/// A folder of its own for one test, and files in it.
class TempFolder : public TemporaryDirectory {
 public:
  void write(const std::string& name, std::string_view content) const {
    std::ofstream(path() / name, std::ios::binary) << content;
  }
};

/// The message of the Error that `call` throws, or "" when it throws none.
template <typename Call>
std::string error_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace patchbay::testing
