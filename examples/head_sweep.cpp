// Patches every head of a model, one at a time, on twenty prompts, and draws the heat map.
// Prints: largest effect: head
#include <cmath>
#include <cstdio>

#include "patchbay/experiments/activation_patching.h"
#include "patchbay/hub/load_model.h"
#include "patchbay/io/file.h"
#include "patchbay/report/figure.h"
#include "patchbay/tasks/task.h"

int main() {
  const patchbay::RunContext ctx;
  const patchbay::HookedTransformer model = patchbay::hub::load_model(ctx, "ioi-small");
  const patchbay::PromptSet prompts = patchbay::tasks::find("ioi").make(
      {.cfg = model.cfg(), .tokenizer = &model.tokenizer()}, {.prompts = 20, .seed = 1});

  patchbay::Session session(ctx, model, prompts);
  using patchbay::experiments::PatchAxis;
  patchbay::EffectTable table = run(session, patchbay::experiments::ActivationPatching{
                                                 .site = {patchbay::HookPoint::kZ},
                                                 .axes = {PatchAxis::kLayer, PatchAxis::kHead},
                                                 .direction = patchbay::Direction::kNoise});
  table.provenance.model = "ioi-small";
  table.provenance.task = "ioi";

  const patchbay::TableStatistics statistics = patchbay::table_statistics(table);
  const patchbay::figures::Request request = {
      .table = table, .statistics = statistics, .effect = table.effect, .title = "Every head"};
  const auto& cells = patchbay::figures::cells_of(request);
  std::size_t largest = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (std::abs(cells[i].value) > std::abs(cells[largest].value)) largest = i;
  }
  const auto labels = table.cell_labels(static_cast<std::int64_t>(largest));
  std::printf("largest effect: head %s.%s, %.3f of the gap (%.3f ... %.3f)\n",
              std::string(labels[0]).c_str(), std::string(labels[1]).c_str(), cells[largest].value,
              cells[largest].low, cells[largest].high);
  patchbay::write_file("heads.svg",
                       patchbay::svg_file(patchbay::figures::find("heat_map").draw(request)));
}
