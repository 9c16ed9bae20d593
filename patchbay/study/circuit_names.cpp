#include "patchbay/study/circuit_names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "patchbay/base/error.h"
#include "patchbay/results/circuit_graph.h"

namespace patchbay {
namespace {

constexpr std::string_view kCircuit = "circuit";

}  // namespace

StudyCircuit::Role parse_role(const std::string& text) {
  StudyCircuit::Role role;
  const char* const end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, role.steps);
  constexpr std::string_view kAt = " @ ";
  const std::string_view rest(last, static_cast<std::size_t>(end - last));
  if (error != std::errc() || role.steps < 1 || !rest.starts_with(kAt) || rest == kAt) {
    throw Error(
        ErrorKind::kUsage, "circuit",
        fmt::format("\"{}\" is not how many steps from the logits, and where: \"2 @ END\"", text));
  }
  role.position = rest.substr(kAt.size());
  return role;
}

CircuitNames::CircuitNames(const StudyCircuit& study, const HookedTransformerConfig& cfg,
                           bool is_reference)
    : study_(study), cfg_(cfg), is_reference_(is_reference) {}

void CircuitNames::find_in(const EffectTable& table) { found_ = table; }

bool CircuitNames::has_names(const Settings& settings) {
  return std::ranges::any_of(
      settings, [](const auto& setting) { return setting.second.find('{') != std::string::npos; });
}

template <class Fill>
CircuitNames::Settings CircuitNames::fill(const Settings& settings, const Fill& fill) {
  Settings filled;
  for (const auto& [name, value] : settings) {
    std::string text;
    std::size_t at = 0;
    while (true) {
      const std::size_t open = value.find('{', at);
      const std::size_t close = value.find('}', open);
      if (open == std::string::npos || close == std::string::npos) break;
      text += value.substr(at, open - at) + fill(value.substr(open + 1, close - open - 1));
      at = close + 1;
    }
    filled[name] = text + value.substr(at);
  }
  return filled;
}

std::string CircuitNames::heads_of(const std::string& role) const {
  std::vector<std::string> heads;
  if (is_reference_) {
    const Circuit circuit = published_circuit(study_.published, cfg_);
    const auto found = std::ranges::find(circuit.classes, role, &HeadClass::name);
    if (found == circuit.classes.end()) return {};
    for (const Head& head : found->heads) heads.push_back(text_of(head));
    return fmt::format("{}", fmt::join(heads, ","));
  }
  const auto known = study_.roles.find(role);
  if (known == study_.roles.end()) return {};
  const StudyCircuit::Role& where = known->second;
  for (const HeadClass& one : circuit_of(*found_).classes) {
    if (one.steps != where.steps) continue;
    if (std::ranges::find(one.positions, where.position) == one.positions.end()) continue;
    for (const Head& head : one.heads) heads.push_back(text_of(head));
  }
  return fmt::format("{}", fmt::join(heads, ","));
}

std::optional<CircuitNames::Settings> CircuitNames::filled(const Settings& settings,
                                                           std::string& missing) const {
  Settings result = fill(settings, [&](const std::string& name) -> std::string {
    if (!is_reference_ && !found_) {
      missing = name;
      return {};
    }
    if (name == kCircuit) return is_reference_ ? study_.published : text_of(circuit_of(*found_));
    std::string heads = heads_of(name);
    if (heads.empty()) missing = name;
    return heads;
  });
  if (!missing.empty()) return std::nullopt;
  return result;
}

CircuitNames::Settings CircuitNames::with_stand_ins(const Settings& settings) const {
  const Head last{static_cast<int>(cfg_.n_layers) - 1, cfg_.n_heads - 1};
  return fill(settings, [&](const std::string&) { return text_of(last); });
}

}  // namespace patchbay
