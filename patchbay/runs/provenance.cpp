#include "patchbay/runs/provenance.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <span>
#include <vector>

#include "patchbay/base/version.h"
#include "patchbay/families/family.h"
#include "patchbay/hub/digest.h"
#include "patchbay/model/weight_processing.h"

namespace patchbay::runs {
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

Provenance provenance_of(const RunContext& ctx, const hub::FoundModel& found,
                         const HookedTransformer& model, const PromptSet& prompts) {
  return {.model = model.cfg().model_name,
          .model_sha256 = weights_sha256(ctx, found),
          .weight_processing = names_of(model.weights().processing),
          .task = prompts.task,
          .prepend_bos = prompts.prepend_bos,
          .tokens_sha256 = tokens_sha256(prompts),
          .version = std::string(kVersion),
          .command = {}};
}

}  // namespace patchbay::runs
