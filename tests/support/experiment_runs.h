// Runs of experiments, as the command line makes them, and how tests read their tables.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/base/error.h"
#include "patchbay/experiments/experiment.h"
#include "patchbay/tasks/task.h"
#include "tests/support/tiny_models.h"

namespace patchbay {

using GivenSettings = experiments::Texts;

inline EffectTable run_experiment(std::string_view name, const TinyModel& tiny,
                                  const PromptSet& prompts, const GivenSettings& given = {}) {
  Session session(tiny.ctx, tiny.model, prompts);
  EffectTable table = experiments::find(name).with(given).run(session);
  table.check();
  return table;
}

/// What the kUsage error of a run says; "no error" when it does not fail.
inline std::string usage_error(std::string_view name, const TinyModel& tiny,
                               const PromptSet& prompts, const GivenSettings& given) {
  try {
    run_experiment(name, tiny, prompts, given);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    return error.what();
  }
  return "no error";
}

/// The value of the cell with these labels.
inline double value_at(const EffectTable& table, const std::vector<std::string_view>& labels,
                       std::int64_t prompt) {
  for (std::int64_t cell = 0; cell < table.cells(); ++cell) {
    if (table.cell_labels(cell) == labels) return table.value(cell, prompt);
  }
  ADD_FAILURE() << "there is no cell " << ::testing::PrintToString(labels);
  return 0.0;
}

inline std::vector<std::string> column_of(const EffectTable& table, std::string_view name) {
  const auto found = std::ranges::find(table.columns, name, &TextColumn::name);
  EXPECT_NE(found, table.columns.end()) << name;
  return found == table.columns.end() ? std::vector<std::string>() : found->texts;
}

/// The model that ships with patchbay on some prompts of a task, which have text.
inline EffectTable run_on_ioi_small(std::string_view name, std::string_view task,
                                    std::int64_t n_prompts, const GivenSettings& given = {}) {
  static const RunContext ctx{RunOptions{.threads = 2}};
  static const HookedTransformer model =
      load_model(ctx, std::filesystem::path(PATCHBAY_MODELS_DIR) / "ioi-small");
  const PromptSet prompts = make_prompts(model, task, {.prompts = n_prompts});
  Session session(ctx, model, prompts);
  EffectTable table = experiments::find(name).with(given).run(session);
  table.check();
  return table;
}

/// Names of both sides of a table with the axis "side".
inline constexpr const char* kSideNames[] = {"clean", "corrupted"};

}  // namespace patchbay
