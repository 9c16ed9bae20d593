#include "patchbay/results/prompt_identity.h"

#include <algorithm>
#include <bit>
#include <map>
#include <span>
#include <string_view>

namespace patchbay {
namespace {

// How a list of tokens is abridged: the first and the last with this between them.
constexpr std::string_view kAbridged = "|…|";

const std::vector<std::string>* column(const EffectTable& table, std::string_view name) {
  const auto found = std::ranges::find(table.columns, name, &TextColumn::name);
  return found == table.columns.end() ? nullptr : &found->texts;
}

// A part of a prompt: the column that has its tokens, and the one that has its text.
struct Part {
  std::string_view tokens;
  std::string_view text;
};
constexpr Part kParts[] = {{"clean tokens", "clean"},
                           {"answer ids", "answer"},
                           {"corrupted tokens", "corrupted"},
                           {"wrong ids", "wrong"}};

bool is_abridged(const std::string& text) { return text.find(kAbridged) != std::string::npos; }

// With its length before it, so that no two lists of parts make the same text.
void append(std::string& identity, std::string_view part) {
  identity += std::to_string(part.size());
  identity += ':';
  identity += part;
}

std::uint64_t bits(double value) { return std::bit_cast<std::uint64_t>(value); }

// All that was measured of a prompt, to the bit.
std::string measured(const EffectTable& table, std::size_t prompt) {
  std::string text;
  for (const auto* side : {&table.baselines.clean, &table.baselines.corrupted}) {
    if (!side->empty()) text += std::to_string(bits((*side)[prompt])) + ' ';
  }
  for (std::int64_t cell = 0; cell < table.cells(); ++cell) {
    text += std::to_string(bits(table.cell_values(cell)[prompt])) + ' ';
  }
  return text;
}

}  // namespace

std::vector<std::string> prompt_identities(const EffectTable& table, PromptParts parts,
                                           bool by_tokens) {
  table.check();
  std::vector<std::string> identities(static_cast<std::size_t>(table.n_prompts()));
  if (column(table, "clean") == nullptr && column(table, "clean tokens") == nullptr) {
    return identities;
  }
  const auto compared = std::span(kParts).first(parts == PromptParts::kWhole ? 4 : 2);
  for (std::size_t prompt = 0; prompt < identities.size(); ++prompt) {
    std::string identity;
    for (const auto& [token_column, text_column] : compared) {
      const auto* tokens = column(table, token_column);
      const auto* texts = column(table, text_column);
      const bool whole = tokens != nullptr && !is_abridged((*tokens)[prompt]);
      const auto* read = (by_tokens && whole) || texts == nullptr ? tokens : texts;
      if (read == nullptr) continue;
      // A text is told apart from its tokens' list only where it was given.
      if (is_abridged((*read)[prompt]) &&
          (tokens == nullptr || (*read)[prompt] == (*tokens)[prompt])) {
        identity.clear();
        break;
      }
      append(identity, (*read)[prompt]);
    }
    identities[prompt] = std::move(identity);
  }
  return identities;
}

std::vector<std::size_t> prompt_clusters(const EffectTable& table) {
  const std::vector<std::string> identities =
      prompt_identities(table, PromptParts::kWhole, /*by_tokens=*/true);
  const bool is_told =
      column(table, "clean") != nullptr || column(table, "clean tokens") != nullptr;
  std::map<std::string, std::size_t> known;
  std::vector<std::size_t> clusters;
  std::size_t count = 0;
  for (std::size_t prompt = 0; prompt < identities.size(); ++prompt) {
    if (!is_told) {
      clusters.push_back(count++);
      continue;
    }
    const auto [place, is_new] = known.try_emplace(
        identities[prompt].empty() ? measured(table, prompt) : identities[prompt], count);
    if (is_new) ++count;
    clusters.push_back(place->second);
  }
  return clusters;
}

std::int64_t n_distinct_prompts(const EffectTable& table) {
  const std::vector<std::size_t> clusters = prompt_clusters(table);
  return clusters.empty() ? 0 : static_cast<std::int64_t>(*std::ranges::max_element(clusters)) + 1;
}

}  // namespace patchbay
