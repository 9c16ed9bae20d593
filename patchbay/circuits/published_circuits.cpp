// Circuits of GPT-2 small for indirect-object identification, as they were published.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"
#include "patchbay/circuits/circuit.h"

namespace patchbay {
namespace {

struct Published {
  std::string_view name;
  std::string_view circuit;
};

constexpr Published kPublished[] = {
    // Wang et al. 2022, figure 2 and appendix: 26 heads.
    {"paper",
     "name mover: 9.9 10.0 9.6 @ END; "
     "backup name mover: 9.0 9.7 10.1 10.2 10.6 10.10 11.2 11.9 @ END; "
     "negative name mover: 10.7 11.10 @ END; "
     "S-inhibition: 7.3 7.9 8.6 8.10 @ END; "
     "induction: 5.5 5.8 5.9 6.9 @ S2; "
     "duplicate token: 0.1 0.10 3.0 @ S2; "
     "previous token: 2.2 4.11 @ S1+1"},
    // Wang et al. 2022, section 4: the circuit of those that path patching found first.
    {"naive",
     "name mover: 9.9 10.0 9.6 @ END; "
     "S-inhibition: 7.3 7.9 8.6 8.10 @ END; "
     "induction: 5.5 5.9 @ S2; "
     "duplicate token: 0.1 0.10 3.0 @ S2; "
     "previous token: 2.2 4.11 @ S1+1"},
    // The list in the lab on activation patching: two induction heads and two duplicate-token heads
    // of the paper's, no backups, and no positions.
    {"lab",
     "name mover: 9.9 9.6 10.0; "
     "negative name mover: 10.7 11.10; "
     "S-inhibition: 7.3 7.9 8.6 8.10; "
     "induction: 5.5 6.9; "
     "duplicate token: 0.1 3.0; "
     "previous token: 2.2 4.11"}};

// Name movers and their backups in the order in which figure 20 takes them away: each after all
// those before it.
constexpr Head kNameMovers[] = {{9, 9},  {10, 0}, {9, 6}, {10, 10}, {10, 6}, {10, 2},
                                {10, 1}, {11, 2}, {9, 7}, {9, 0},   {11, 9}};
constexpr Head kNegative[] = {{10, 7}, {11, 10}};

}  // namespace

std::vector<std::string> published_circuit_names() {
  std::vector<std::string> names;
  for (const Published& one : kPublished) names.emplace_back(one.name);
  return names;
}

bool is_gpt2_small(const HookedTransformerConfig& cfg) {
  return cfg.n_layers == 12 && cfg.n_heads == 12 && cfg.d_model == 768;
}

Circuit published_circuit(std::string_view name) {
  const auto* const found = std::ranges::find(kPublished, name, &Published::name);
  if (found == std::end(kPublished)) {
    const std::vector<std::string> names = published_circuit_names();
    throw Error(ErrorKind::kUsage, "circuit",
                fmt::format("there is no published circuit \"{}\"{}; there are {}", name,
                            did_you_mean(name, names), fmt::join(names, ", ")));
  }
  return parse_circuit(found->circuit);
}

Circuit published_circuit(std::string_view name, const HookedTransformerConfig& cfg) {
  Circuit circuit = published_circuit(name);
  if (!is_gpt2_small(cfg)) {
    throw Error(
        ErrorKind::kUsage, "circuit",
        fmt::format("the circuit \"{}\" is of GPT-2 small (12 layers of 12 heads); heads of "
                    "this model have other jobs under the same numbers. Find its own with "
                    "the experiment find_circuit",
                    name));
  }
  return circuit;
}

std::vector<Head> published_minimality_set(const Head& head) {
  std::vector<Head> others;
  if (std::ranges::find(kNameMovers, head) != std::end(kNameMovers)) {
    const bool is_last = head == Head{9, 0};  // 9.0 and 11.9 are shown with all others away
    for (const Head& other : kNameMovers) {
      if (other == head && !is_last) break;
      if (other != head) others.push_back(other);
    }
    return others;
  }
  if (head == Head{5, 8} || head == Head{5, 9}) {
    return {std::begin(kNegative), std::end(kNegative)};
  }
  const Circuit paper = parse_circuit(kPublished[0].circuit);
  for (const HeadClass& one : paper.classes) {
    if (std::ranges::find(one.heads, head) == one.heads.end()) continue;
    std::ranges::copy_if(one.heads, std::back_inserter(others),
                         [&](const Head& other) { return other != head; });
  }
  return others;
}

}  // namespace patchbay
