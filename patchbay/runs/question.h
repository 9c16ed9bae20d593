// What a result answers: the model, the prompts, the experiment and its settings. Files of one
// question are never written over those of another.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "patchbay/results/effect_table.h"

namespace patchbay::runs {

/// Names and texts, in the order in which people read them.
class Question {
 public:
  Question() = default;
  /// The model, the weights, what was done to them, the prompts, and patchbay's version.
  explicit Question(const Provenance& from);

  Question& add(std::string_view name, std::string_view text);
  /// Without the part of that name, which nothing is then compared by.
  Question& remove(std::string_view name);

  /// One line a part.
  [[nodiscard]] std::string text() const;
  /// Reads what text() wrote; lines that it did not write are passed over.
  static Question parse(std::string_view text);

  /// What this question has otherwise than the one that was answered `before`, for people:
  /// `metric ("logit_diff" there, "prob" here)`. Empty where it is the same. A part that one of
  /// them lacks, the version, and the name of a model whose weights are the same do not count.
  [[nodiscard]] std::string difference_from(const Question& before) const;

  friend bool operator==(const Question&, const Question&) = default;

 private:
  struct Part {
    std::string name;
    std::string text;  // as quoted_text writes it

    friend bool operator==(const Part&, const Part&) = default;
  };

  [[nodiscard]] std::string_view find(std::string_view name) const;

  std::vector<Part> parts_;
};

/// The question that a table answers. Of its values nothing is read.
Question question_of(const EffectTable& table);

}  // namespace patchbay::runs
