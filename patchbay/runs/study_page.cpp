#include "patchbay/runs/study_page.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "patchbay/circuits/circuit.h"
#include "patchbay/report/grid.h"
#include "patchbay/results/statistics.h"
#include "patchbay/runs/pictures.h"

namespace patchbay::runs {
namespace {

constexpr std::size_t kOfEachTable = 4;
constexpr std::size_t kMostHeads = 16;

std::vector<std::string> strongest(const EffectTable& table) {
  StatisticsOptions quick;
  quick.bootstrap_resamples = 1;  // the values alone are read
  const std::vector<CellSummary> cells = summarize(table, table.effect, table.aggregate, quick);
  std::vector<std::string> heads;
  for (const std::size_t cell : by_size(cells, kOfEachTable)) {
    if (cells[cell].value != 0.0) heads.push_back(head_of(table, cell));
  }
  return heads;
}

}  // namespace

void add_study(Page& page, const StudyResult& study,
               const std::map<std::string, EffectTable>& tables) {
  if (page.title.empty()) {
    page.title = study.title;
    page.text = study.text;
    page.model = study.model;
    page.command = study.command;
    page.attention_command = study.attention_command;
  }
  page.known.insert(page.known.end(), study.known.begin(), study.known.end());
  for (const StudySection& section : study.sections) {
    const auto table = tables.find(section.id);
    page.sections.push_back(
        {section, table == tables.end() ? std::nullopt : std::optional(table->second)});
  }
}

std::vector<std::string> heads_that_matter(const std::map<std::string, EffectTable>& tables) {
  std::vector<std::string> names;
  for (const auto& [id, table] : tables) {
    if (table.experiment != "find_circuit") continue;
    for (const HeadClass& one : circuit_of(table).classes) {
      for (const Head& head : one.heads) names.push_back(text_of(head));
    }
  }
  for (const auto& [id, table] : tables) {
    const bool patched = table.direction != Direction::kNone;
    if (!patched || axis_of(table, "layer") == nullptr || axis_of(table, "head") == nullptr)
      continue;
    for (std::string& head : strongest(table)) names.push_back(std::move(head));
  }
  std::set<Head> heads;
  for (const std::string& name : names) {
    if (heads.size() == kMostHeads) break;
    heads.insert(parse_circuit(name).classes.front().heads.front());
  }
  std::vector<std::string> sorted;
  for (const Head& head : heads) sorted.push_back(text_of(head));
  return sorted;
}

std::vector<KnownHeads> known_heads(const Study& study, bool is_reference,
                                    const std::map<std::string, EffectTable>& tables) {
  std::vector<KnownHeads> heads;
  if (is_reference) {
    for (const StudyStep& step : study.steps) {
      for (const auto& group : step.published.groups) {
        if (std::ranges::find(heads, group.front(), &KnownHeads::name) != heads.end()) continue;
        heads.push_back({group.front(), {group.begin() + 1, group.end()}});
      }
    }
    return heads;
  }
  for (const auto& [id, table] : tables) {
    if (table.experiment != "find_circuit") continue;
    for (KnownHeads& known : known_heads(circuit_of(table))) heads.push_back(std::move(known));
  }
  return heads;
}

}  // namespace patchbay::runs
