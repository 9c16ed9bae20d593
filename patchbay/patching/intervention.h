// What an experiment patches: places in a model, and the pieces of activations that they are in one
// prompt.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "patchbay/config/hooked_transformer_config.h"
#include "patchbay/hooks/hook_name.h"
#include "patchbay/prompts/prompt_set.h"
#include "patchbay/results/effect_table.h"

namespace patchbay {

/// Which positions of a prompt: all, one index, the tokens that a name of the prompt set stands
/// for, or all but those of some names.
struct Positions {
  enum class Kind { kAll, kIndex, kNamed, kAllBut };
  Kind kind = Kind::kAll;
  std::int32_t index = 0;            ///< of kIndex
  NamedPosition name = {0};          ///< of kNamed
  std::vector<NamedPosition> but{};  ///< a prompt that lacks one leaves out one less
  bool but_unnamed = false;          ///< leaves out whatever has no name too

  static Positions at(std::int32_t position) { return {.kind = Kind::kIndex, .index = position}; }
  static Positions named(NamedPosition name) { return {.kind = Kind::kNamed, .name = name}; }
  static Positions all_but(std::vector<NamedPosition> names, bool and_unnamed = false) {
    return {.kind = Kind::kAllBut, .but = std::move(names), .but_unnamed = and_unnamed};
  }
};

/// One place: an activation of one layer, or a part of it.
struct Place {
  static constexpr std::int64_t kAll = -1;

  HookPoint site = HookPoint::kResidPre;
  int layer = 0;
  std::int64_t head = kAll;    ///< of sites with heads; the key/value head of k, v and rot_k
  std::int64_t neuron = kAll;  ///< of mlp_post, mlp_pre and mlp_pre_linear
  Positions positions{};       ///< of scores and pattern the destinations, hook's query_pos
  Positions keys{};            ///< of scores and pattern the sources, hook's key_pos
};

/// Places that are patched at once.
using Intervention = std::vector<Place>;

/// The named positions of some places, each once.
std::vector<NamedPosition> named_positions(const std::vector<Intervention>& interventions);

/// One piece of one row of an activation, where it is written and where it is read: the two differ
/// where a named position does.
struct Piece {
  HookName name;
  std::int32_t position = 0;         ///< in the run that is patched
  std::int64_t begin = 0;            ///< as RowEdit::begin
  std::int32_t source_position = 0;  ///< in the run that values come from
  std::int64_t source_begin = 0;
  std::int64_t count = 0;
};

/// A value that a run gets at a place: a sender's from the source, a receiver's as it was read.
struct Edit {
  HookName name;
  std::int32_t position = 0;
  std::int64_t begin = 0;           ///< as RowEdit::begin
  std::span<const float> values{};  ///< not owned
};

/// Where the positions of a pair are in the run that is patched, and in the one that is read.
struct PairSides {
  std::int64_t length;
  const std::vector<TokenSpan>& base;    ///< [position name]
  const std::vector<TokenSpan>& source;  ///< [position name]
};

/// The pieces of an intervention in one prompt; nothing when the prompt has no such place: a
/// position that it does not have, or that is other numbers of tokens in both runs, a key that its
/// query does not see. (All but some may be none at all.)
std::optional<std::vector<Piece>> pieces_of(const HookedTransformerConfig& cfg,
                                            const Intervention& intervention,
                                            const PairSides& sides);

/// Throws kUsage when the model has no such place: a layer, head, neuron or site that is not there,
/// keys of what is not attention.
void check_place(const HookedTransformerConfig& cfg, const Place& place);
/// Throws kUsage for position names that the prompts do not have too, and for positions below 0.
/// (One that a prompt is too short for is no error: that prompt has no value.)
void check_place(const HookedTransformerConfig& cfg, const PromptSet& prompts, const Place& place);

/// How many heads a site has: n_heads, the key/value heads, or 0 for a site without heads.
std::int64_t heads_of(const HookedTransformerConfig& cfg, HookPoint site);

}  // namespace patchbay
