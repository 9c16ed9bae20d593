#include "patchbay/runs/question.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <variant>

#include "patchbay/base/visible_text.h"

namespace patchbay::runs {
namespace {

constexpr std::string_view kModel = "model";
constexpr std::string_view kWeights = "weights";
constexpr std::string_view kPrompts = "prompts";
constexpr std::string_view kVersion = "patchbay";
constexpr std::string_view kUnknown = "\"\"";

struct AsText {
  std::string operator()(bool value) const { return value ? "yes" : "no"; }
  std::string operator()(std::int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const { return fmt::format("{}", value); }
  std::string operator()(const std::string& value) const { return value; }
  std::string operator()(const std::vector<std::string>& value) const {
    return fmt::format("{}", fmt::join(value, ","));
  }
};

std::string_view shown(std::string_view text) { return text == kUnknown ? "nothing" : text; }

}  // namespace

// A file of prompts is known by its prompts, wherever it lies.
Question::Question(const Provenance& from) {
  add(kModel, from.model);
  add(kWeights, from.model_sha256);
  add("weight processing", fmt::format("{}", fmt::join(from.weight_processing, ",")));
  add("task", from.task.substr(0, from.task.find(':')));
  add("BOS", from.prepend_bos ? "yes" : "no");
  add(kPrompts, from.tokens_sha256);
  add(kVersion, from.version);
}

Question& Question::add(std::string_view name, std::string_view text) {
  parts_.push_back({std::string(name), quoted_text(text)});
  return *this;
}

Question& Question::remove(std::string_view name) {
  std::erase_if(parts_, [&](const Part& part) { return part.name == name; });
  return *this;
}

std::string Question::text() const {
  std::string text;
  for (const Part& part : parts_) text += fmt::format("{} = {}\n", part.name, part.text);
  return text;
}

Question Question::parse(std::string_view text) {
  constexpr std::string_view kBetween = " = ";
  Question question;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::size_t between = line.find(kBetween);
    if (between == std::string_view::npos) continue;
    question.parts_.push_back({std::string(line.substr(0, between)),
                               std::string(line.substr(between + kBetween.size()))});
  }
  return question;
}

std::string_view Question::find(std::string_view name) const {
  const auto part = std::ranges::find(parts_, name, &Part::name);
  return part == parts_.end() ? std::string_view() : part->text;
}

std::string Question::difference_from(const Question& before) const {
  const std::string_view weights = find(kWeights);
  const bool same_model = find(kModel) == before.find(kModel);
  const bool same_weights =
      !weights.empty() && weights != kUnknown && weights == before.find(kWeights);
  std::vector<std::string> differences;
  for (const Part& part : parts_) {
    const std::string_view there = before.find(part.name);
    if (there.empty() || there == part.text || part.name == kVersion) continue;
    if (part.name == kModel && same_weights) continue;
    const bool is_digest = part.name == kWeights || part.name == kPrompts;
    if (is_digest && (part.text == kUnknown || there == kUnknown)) continue;
    if (part.name == kWeights && !same_model) continue;  // the model's name says it
    differences.push_back(is_digest ? fmt::format("other {}", part.name)
                                    : fmt::format("{} ({} there, {} here)", part.name, shown(there),
                                                  shown(part.text)));
  }
  constexpr std::size_t kMost = 4;
  if (differences.size() > kMost) {
    const std::size_t more = differences.size() - kMost;
    differences.resize(kMost);
    differences.push_back(fmt::format("{} more", more));
  }
  return fmt::format("{}", fmt::join(differences, ", "));
}

Question question_of(const EffectTable& table) {
  Question question(table.provenance);
  question.add("experiment", table.experiment);
  for (const Option& option : table.options) {
    std::string text = std::visit(AsText(), option.value);
    // The same file from another folder is the same question.
    if (option.name == "circuit" && text.ends_with(".json")) {
      text = std::filesystem::path(text).filename().string();
    }
    question.add(option.name, text);
  }
  return question;
}

}  // namespace patchbay::runs
