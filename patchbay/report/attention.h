// Whole attention patterns in a table: what attention_patterns gives with every destination and
// source.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "patchbay/results/effect_table.h"

namespace patchbay {

/// Where a table keeps the patterns of its clean prompts.
struct AttentionPatterns {
  struct Head {
    std::string name;       ///< "9.6"
    std::size_t first = 0;  ///< its cell of destination 0 and source 0
  };
  std::vector<Head> heads;
  std::size_t positions = 0;  ///< how many positions the longest prompt has

  /// The prompt's tokens, or the numbers of its positions where the table does not know them.
  [[nodiscard]] std::vector<std::string> tokens(const EffectTable& table, std::size_t prompt) const;
  /// From the token `query` to the token `key`. Throws kUsage when there is no such head, position
  /// or prompt.
  [[nodiscard]] double weight(const EffectTable& table, std::size_t head, std::size_t query,
                              std::size_t key, std::size_t prompt) const;
};

/// Throws kUsage for a table that breaks a rule; nothing where the table has no such patterns: axes
/// node (or layer and head), destination and source, the last two with every position by its
/// number.
std::optional<AttentionPatterns> attention_of(const EffectTable& table);

}  // namespace patchbay
