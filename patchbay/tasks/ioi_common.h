// Indirect object identification (Wang et al. 2022, arXiv 2211.00593): sentences about two people,
// one of whom is named twice and acts on the other.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "patchbay/prompts/marked_text.h"
#include "patchbay/tasks/words_common.h"

namespace patchbay::tasks {

/// The names, places and objects of the paper's data set, as its code has them (99 names).
std::span<const std::string_view> paper_names();
inline constexpr std::array<std::string_view, 8> kPaperPlaces = {
    "store", "garden", "restaurant", "school", "hospital", "office", "house", "station"};
inline constexpr std::array<std::string_view, 8> kPaperObjects = {
    "ring", "kiss", "bone", "basketball", "computer", "necklace", "drink", "snack"};

/// The names of the lab "Activation Patching on IOI".
inline constexpr std::array<std::string_view, 12> kLabNames = {"John",  "Mary", "Alice",   "Bob",
                                                               "James", "Emma", "Michael", "Sarah",
                                                               "David", "Lisa", "Tom",     "Kate"};

/// The positions of these tasks, under the names that the studies use.
std::span<const Choice> ioi_positions();

/// Who is named where: the indirect object, the subject in the first clause and in the second.
struct IoiNames {
  std::string_view io;
  std::string_view s1;
  std::string_view s2;
};

/// The sentence of a form with the marks [IO], [S1], [S2] and, where it has them, [PLACE],
/// [OBJECT].
MarkedText ioi_sentence(std::string_view form, const IoiNames& names, std::string_view place,
                        std::string_view object);

/// Adds a pair; right is the clean prompt's indirect object, wrong its subject.
void add_ioi_pair(PromptBuilder& builder, const MarkedText& clean, const MarkedText& corrupted,
                  const IoiNames& clean_names, std::string group);

}  // namespace patchbay::tasks
