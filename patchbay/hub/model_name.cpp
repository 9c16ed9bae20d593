// Names of models on the hub.
#include "patchbay/hub/model_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "patchbay/base/error.h"
#include "patchbay/base/visible_text.h"
#include "patchbay/base/words.h"

namespace patchbay::hub {
namespace {

constexpr std::array kKnownModels = {
    KnownModel{"gpt2", "openai-community/gpt2", "gpt2"},
    KnownModel{"gpt2-medium", "openai-community/gpt2-medium", "gpt2-medium"},
    KnownModel{"gpt2-large", "openai-community/gpt2-large", "gpt2-large"},
    KnownModel{"gpt2-xl", "openai-community/gpt2-xl", "gpt2-xl"},
    KnownModel{"distilgpt2", "distilbert/distilgpt2", "distilgpt2"},
    KnownModel{"smollm-135m", "HuggingFaceTB/SmolLM-135M", ""},
    KnownModel{"smollm-360m", "HuggingFaceTB/SmolLM-360M", ""},
    KnownModel{"smollm2-135m", "HuggingFaceTB/SmolLM2-135M", ""},
    KnownModel{"smollm2-135m-instruct", "HuggingFaceTB/SmolLM2-135M-Instruct", ""},
    KnownModel{"smollm2-360m", "HuggingFaceTB/SmolLM2-360M", ""},
    KnownModel{"smollm2-360m-instruct", "HuggingFaceTB/SmolLM2-360M-Instruct", ""},
    KnownModel{"smollm2-1.7b", "HuggingFaceTB/SmolLM2-1.7B", ""},
    KnownModel{"smollm2-1.7b-instruct", "HuggingFaceTB/SmolLM2-1.7B-Instruct", ""},
};

bool is_alphanumeric(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

bool is_name_part(std::string_view part) {
  constexpr std::size_t kLongest = 96;  // the hub's own limit
  const auto fits = [](char c) { return is_alphanumeric(c) || c == '.' || c == '_' || c == '-'; };
  return !part.empty() && part.size() <= kLongest && std::ranges::all_of(part, fits) &&
         part.front() != '.' && part.front() != '-' && part.back() != '.' && part.back() != '-' &&
         part.find("..") == std::string_view::npos && part.find("--") == std::string_view::npos;
}

}  // namespace

std::span<const KnownModel> known_models() { return kKnownModels; }

bool is_repository_id(std::string_view id) {
  const std::size_t slash = id.find('/');
  if (slash == std::string_view::npos) return is_name_part(id);
  return is_name_part(id.substr(0, slash)) && is_name_part(id.substr(slash + 1));
}

bool is_revision(std::string_view revision) {
  constexpr std::size_t kLongest = 200;
  if (revision.size() > kLongest) return false;
  while (true) {
    const std::size_t slash = std::min(revision.find('/'), revision.size());
    const std::string_view part = revision.substr(0, slash);
    const auto fits = [](char c) {
      return is_alphanumeric(c) || c == '.' || c == '_' || c == '-' || c == '+';
    };
    if (part.empty() || part.front() == '.' || part.find("..") != std::string_view::npos ||
        !std::ranges::all_of(part, fits)) {
      return false;
    }
    if (slash == revision.size()) return true;
    revision.remove_prefix(slash + 1);
  }
}

bool is_commit(std::string_view revision) {
  constexpr std::size_t kDigits = 40;
  return revision.size() == kDigits && std::ranges::all_of(revision, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::optional<ModelId> read_model_id(std::string_view text) {
  const std::size_t at = std::min(text.find('@'), text.size());
  const std::string_view name = text.substr(0, at);
  const std::string_view revision = at < text.size() ? text.substr(at + 1) : "main";
  if (!is_repository_id(name) || !is_revision(revision)) return std::nullopt;
  for (const KnownModel& known : kKnownModels) {
    if (lower_case(name) == known.name || name == known.id || name == known.old_id) {
      return ModelId{std::string(known.id), std::string(known.old_id), std::string(known.name),
                     std::string(revision)};
    }
  }
  return ModelId{std::string(name), "", std::string(name), std::string(revision)};
}

ModelId model_to_pull(const std::string& name, const std::optional<std::string>& revision) {
  auto model = read_model_id(name);
  if (!model) {
    throw Error(ErrorKind::kUsage, "model",
                fmt::format("{} is no name of a model on the hub; name one as gpt2 or ORG/NAME",
                            quoted_text(name)));
  }
  if (!revision) return *model;
  if (name.find('@') != std::string::npos) {
    throw Error(ErrorKind::kUsage, "`revision`", "the revision is given twice; keep one");
  }
  if (!is_revision(*revision)) {
    throw Error(ErrorKind::kUsage, "`revision`",
                fmt::format("{} is no branch, tag or commit; main is what is meant without it",
                            quoted_text(*revision)));
  }
  model->revision = *revision;
  return *model;
}

}  // namespace patchbay::hub
