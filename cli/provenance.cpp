#include "cli/provenance.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "patchbay/families/family.h"
#include "patchbay/hub/digest.h"

namespace patchbay::cli {
namespace {

std::string sha256_of(const std::string& text) {
  hub::Digest digest(hub::DigestKind::kSha256, text.size());
  digest.add(std::as_bytes(std::span(text)));
  return digest.finish();
}

}  // namespace

std::string weights_sha256(const RunContext& ctx, const hub::FoundModel& model) {
  std::vector<std::string> lines;
  std::string only;
  for (const CheckpointSummary::File& file : summarize_checkpoint(model.path).files) {
    only = hub::digest_of(ctx, hub::DigestKind::kSha256, file.path);
    lines.push_back(
        fmt::format("{}  {}\n", only, std::filesystem::path(file.path).filename().string()));
  }
  if (lines.size() == 1) return only;
  std::ranges::sort(lines, {}, [](const std::string& line) { return line.substr(line.find(' ')); });
  return sha256_of(fmt::format("{}", fmt::join(lines, "")));
}

std::string tokens_sha256(const PromptSet& prompts) {
  std::string text;
  for (const PromptPair& pair : prompts.pairs) {
    text += fmt::format("{}|{}|{}|{}\n", fmt::join(pair.clean, " "), fmt::join(pair.corrupted, " "),
                        fmt::join(pair.answers, " "), fmt::join(pair.wrongs, " "));
  }
  return sha256_of(text);
}

std::string shell_line(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    constexpr auto kPlain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,=+@%";
    if (!line.empty()) line += ' ';
    if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char c : word) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += '\'';
  }
  return line;
}

}  // namespace patchbay::cli
