// Patches every head of a model, one at a time, on twenty prompts, into files that say where they
// come from. A program that is stopped goes on from the finished heads the next time.
// Prints: largest effect: head
#include <cstdio>

#include "patchbay/results/statistics.h"
#include "patchbay/runs/run.h"

int main() {
  const patchbay::RunContext ctx;
  const patchbay::runs::Run run(ctx, "ioi-small", {}, {.name = "ioi", .options = {.prompts = 20}});
  const patchbay::runs::Result result =
      run.result({.name = "activation_patching",
                  .settings = {{"site", "z"}, {"axes", "layer,head"}, {"direction", "noise"}}},
                 {.folder = "heads", .formats = {"json", "svg"}});

  const patchbay::EffectTable& table = result.table;
  const auto cells = patchbay::summarize(table, table.effect, table.aggregate);
  const std::size_t largest = patchbay::by_size(cells, 1).front();
  const auto labels = table.cell_labels(static_cast<std::int64_t>(largest));
  std::printf("largest effect: head %s.%s, %.3f of the gap (%.3f ... %.3f)\n",
              std::string(labels[0]).c_str(), std::string(labels[1]).c_str(), cells[largest].value,
              cells[largest].low, cells[largest].high);
  for (const auto& file : result.files) std::printf("wrote %s\n", file.c_str());
  std::printf("again: %s\n", table.provenance.command.c_str());
}
