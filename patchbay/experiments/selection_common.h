// Which layers, heads and positions: what only a model and its prompts can make sense of, kept as
// it was asked and resolved here.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "patchbay/circuits/circuit.h"
#include "patchbay/patching/intervention.h"
#include "patchbay/prompts/prompt_set.h"

namespace patchbay::experiments {

/// The parts of a text between commas, without spaces around them. Throws FieldError where one is
/// missing.
std::vector<std::string> parse_list(std::string_view text, std::string_view field);

/// Throws FieldError for the same part twice: it says nothing, and may be a slip.
void refuse_doubled(const std::vector<std::string>& parts, std::string_view field);

/// What was asked for, as text: the base of Indices, PositionList, NodeList and an experiment's own
/// kinds. "" is what nobody said.
class Selection {
 public:
  Selection() = default;
  template <std::convertible_to<std::string> Text>
  Selection(Text&& text) : text_(std::forward<Text>(text)) {}  // NOLINT: "0,3-5" is one

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] bool is_given() const { return !text_.empty(); }
  friend bool operator==(const Selection&, const Selection&) = default;

 protected:
  /// Between commas. A list of nothing is a blank, which settings refuse: "" would be all.
  void set(const std::vector<std::string>& parts);

 private:
  std::string text_;
};

/// Whole numbers of [0, count): "0,3-5"; negative ones count from the end, "middle" is
/// (count − 1) / 2. All when nothing is said.
class Indices : public Selection {
 public:
  using Selection::Selection;
  explicit Indices(std::span<const std::int64_t> numbers);
  Indices(std::initializer_list<std::int64_t> numbers) : Indices(std::span(numbers)) {}

  /// Each once, in increasing order. Throws FieldError for a text that is none and for numbers
  /// outside.
  [[nodiscard]] std::vector<std::int64_t> of(std::int64_t count, std::string_view field) const;
};

/// Positions and what they are called.
struct PositionChoice {
  std::vector<std::string> labels;
  std::vector<Positions> positions;
};

/// Positions of prompts, by the names of the task ("IO,S1+1") or by number as Indices; "all", and
/// nothing, is all of them.
class PositionList : public Selection {
 public:
  using Selection::Selection;
  explicit PositionList(std::span<const std::string> names);
  explicit PositionList(const Indices& numbers) : Selection(numbers.text()) {}
  PositionList(std::initializer_list<std::string_view> names)
      : PositionList(std::vector<std::string>(names.begin(), names.end())) {}

  [[nodiscard]] bool is_all() const { return !is_given() || text() == "all"; }
  /// One after the other. Throws FieldError for numbers, and for all, of prompts that differ in
  /// length, and kUsage, with the nearest, for a name that the prompts do not have.
  [[nodiscard]] PositionChoice of(const PromptSet& prompts, std::string_view field) const;
  /// The same positions for what has no axis of them: all are one entry, whatever the lengths.
  [[nodiscard]] std::vector<Positions> at_once(const PromptSet& prompts,
                                               std::string_view field) const;
};

/// Heads and other nodes: "9.9,10.0", and what an experiment says of its own.
class NodeList : public Selection {
 public:
  using Selection::Selection;
  explicit NodeList(std::span<const Head> heads);
  NodeList(std::initializer_list<Head> heads) : NodeList(std::span(heads)) {}
};

/// The place of a head, "9.6": layer 9, head 6. Throws FieldError for another text.
Place head_place(std::string_view text, HookPoint site, std::string_view field);

}  // namespace patchbay::experiments
