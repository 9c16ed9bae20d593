#include "patchbay/runs/study_pass.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

#include "patchbay/base/error.h"
#include "patchbay/io/file.h"
#include "patchbay/results/result_json.h"
#include "patchbay/runs/command_line.h"
#include "patchbay/runs/earlier_files.h"
#include "patchbay/runs/files.h"
#include "patchbay/runs/pictures.h"
#include "patchbay/runs/study_page.h"
#include "patchbay/runs/study_words.h"
#include "patchbay/study/views.h"

namespace patchbay::runs {
namespace {

bool has(const Output& output, std::string_view format) {
  return std::ranges::find(output.formats, format) != output.formats.end();
}

// A model that does not do the task has no circuit; the rest can still be looked at.
bool is_without_circuit(const Error& error) { return error.kind() == ErrorKind::kUsage; }

// Lists of a step, but for those that figures show.
std::vector<StudyList> lists_of(const StudyStep& step, const EffectTable& table,
                                const ViewContext& context) {
  std::vector<StudyList> lists;
  for (const std::string& view : step.show) {
    if (view == "grid" || view.starts_with("largest")) continue;
    lists.push_back(view_of(table, view, context));
  }
  return lists;
}

}  // namespace

StudyPass::StudyPass(const RunContext& ctx, const StudyRun& of, const std::string& line,
                     std::optional<CircuitNames> names, const Output& output,
                     const StudyObserver& observer)
    : ctx_(ctx),
      study_(of.study()),
      run_(of.run()),
      is_reference_(of.is_reference()),
      question_(of.question()),
      line_(line),
      output_(output),
      observer_(observer),
      finished_(output.folder.empty() ? std::nullopt
                                      : std::make_optional<FinishedValues>(
                                            output.folder, "study", question_, output.overwrite)),
      session_(run_.session(finished_ ? &finished_->store() : nullptr)),
      names_(std::move(names)) {
  if (study_.reference) others_ = about_reference(*study_.reference);
  outcome_.result = {.title = study_.title,
                     .text = study_.text,
                     .model = run_.model().cfg().model_name,
                     .command = line,
                     .attention_command = "",
                     .known = {},
                     .sections = {}};
}

StudyOutcome StudyPass::whole() {
  for (std::size_t i = 0; i < study_.steps.size(); ++i) step(i);
  if (observer_.completes) observer_.completes();
  if (!output_.folder.empty()) finish();
  return std::move(outcome_);
}

void StudyPass::part(const Shard& shard) {
  const Session parted = session_.part(shard);
  std::int64_t dealt = 0;
  for (std::size_t i = 0; i < study_.steps.size(); ++i) {
    const StudyStep& step = study_.steps[i];
    if (step.reference_only && !is_reference_) continue;
    std::string missing;
    const auto settings = settings_of(step, missing);
    if (!settings) continue;
    const ExperimentChoice choice = choice_of(step, *settings);
    begin(step.id);
    if (finds_circuit(step)) {
      try {
        names_->find_in(find_or_run(step.id, choice).table);
      } catch (const Error& error) {
        if (!is_without_circuit(error)) throw;
      }
    } else if (can_be_sharded(choice)) {
      run_.compute(parted, choice);
    } else if (dealt++ % shard.count == shard.number) {
      (void)find_or_run(step.id, choice);
    }
  }
}

void StudyPass::begin(const std::string& id) const {
  if (observer_.begins) observer_.begins(id);
}

std::optional<CircuitNames::Settings> StudyPass::settings_of(const StudyStep& step,
                                                             std::string& missing) const {
  return names_ ? names_->filled(step.settings, missing) : std::optional(step.settings);
}

bool StudyPass::finds_circuit(const StudyStep& step) const {
  return names_ && step.id == study_.circuit->found_by;
}

// A step's result is read back where an earlier run of the same study finished it.
StudyPass::StepResult StudyPass::find_or_run(const std::string& id,
                                             const ExperimentChoice& choice) {
  const std::string mark =
      fmt::format("{}\n{}\n{}\n{}", line_, fmt::join(output_.formats, ","), id, run_.key(choice));
  StepResult result;
  if (auto before = finished_table(id, mark)) {
    result = {.table = std::move(*before), .resumed = true};
  } else {
    Result now = run_.step(session_, choice, output_, {.stem = id, .command = line_});
    result = {.table = std::move(now.table), .files = std::move(now.files)};
  }
  if (finished_ && has(output_, "json")) finished_->add(mark);
  return result;
}

// Nothing when it was not finished, or its file is gone or damaged.
std::optional<EffectTable> StudyPass::finished_table(const std::string& id,
                                                     const std::string& mark) const {
  if (!finished_ || !finished_->has(mark)) return std::nullopt;
  try {
    return read_result(path_in(output_.folder, id, ".json")).table;
  } catch (const Error&) {
    return std::nullopt;
  }
}

void StudyPass::step(std::size_t i) {
  const StudyStep& step = study_.steps[i];
  if (step.reference_only && !is_reference_) return leave_out(step, others_);
  std::string missing;
  const auto settings = settings_of(step, missing);
  if (!settings) {
    const bool found = outcome_.tables.contains(study_.circuit->found_by);
    return leave_out(step, about_missing(*study_.circuit, missing, found));
  }
  begin(step.id);
  StepResult result;
  try {
    result = find_or_run(step.id, choice_of(step, *settings));
  } catch (const Error& error) {
    if (!finds_circuit(step) || !is_without_circuit(error)) throw;
    return leave_out(step, fmt::format("left out: {}", error.what()));
  }
  const auto heads = outcome_.tables.find(step.heads_of);
  const ViewContext context{.published = is_reference_ ? &step.published : nullptr,
                            .why_nothing_published = others_,
                            .heads = heads == outcome_.tables.end() ? nullptr : &heads->second};
  outcome_.result.sections.push_back(section_of(step, "", lists_of(step, result.table, context)));
  tell(step, &result);
  if (finds_circuit(step)) names_->find_in(result.table);
  outcome_.tables.emplace(step.id, std::move(result.table));
  add_files(result.files);
}

void StudyPass::leave_out(const StudyStep& step, const std::string& why) {
  outcome_.result.sections.push_back(section_of(step, why, {}));
  tell(step, nullptr);
}

void StudyPass::tell(const StudyStep& step, const StepResult* result) const {
  if (!observer_.ended) return;
  StudyEvent event{.step = step, .section = outcome_.result.sections.back()};
  if (result != nullptr) {
    event.table = &result->table;
    event.resumed = result->resumed;
    event.files = result->files;
  }
  observer_.ended(event);
}

void StudyPass::add_files(const std::vector<std::filesystem::path>& files) {
  outcome_.files.insert(outcome_.files.end(), files.begin(), files.end());
}

void StudyPass::finish() {
  StudyResult& result = outcome_.result;
  if (has(output_, "html")) add_patterns();
  result.known = known_heads(study_, is_reference_, outcome_.tables);
  note_study(output_.folder, question_, output_.formats);
  if (has(output_, "json")) {
    outcome_.files.push_back(path_in(output_.folder, "study", ".json"));
    write_file(outcome_.files.back(), to_json(result));
  }
  for (const StudySection& section : result.sections) {
    const auto table = outcome_.tables.find(section.id);
    if (table == outcome_.tables.end()) continue;
    ctx_.check_cancelled();
    add_files(
        write_pictures({.table = table->second, .title = section.title, .known = result.known},
                       output_.folder, section.id, output_.formats));
  }
  if (has(output_, "html")) {
    Page page;
    add_study(page, result, outcome_.tables);
    outcome_.page = write_page(page, output_.folder, "report");
    outcome_.files.push_back(*outcome_.page);
  }
  finished_->remove();
}

void StudyPass::add_patterns() {
  const std::vector<std::string> heads = heads_that_matter(outcome_.tables);
  const bool is_taken = std::ranges::any_of(
      study_.steps, [](const StudyStep& step) { return step.id == kPatternsId; });
  if (heads.empty() || is_taken) return;
  StudyStep step = patterns_step(heads);
  // As many prompts as keep the table small.
  constexpr std::int64_t kMostNumbers = 4'000'000;
  const std::int64_t longest = std::max<std::int64_t>(run_.prompts().longest(), 1);
  step.prompts = std::clamp<std::int64_t>(kMostNumbers / (std::ssize(heads) * longest * longest), 1,
                                          run_.prompts().size());
  begin(step.id);
  Result patterns = run_.step(session_, choice_of(step, step.settings), output_,
                              {.stem = step.id, .command = line_});
  outcome_.tables.emplace(step.id, std::move(patterns.table));
  add_files(patterns.files);
  outcome_.result.sections.push_back(section_of(step, "", {}));
  // The study's own processing, as it is written: whatever the model's norms allow of it.
  RunSpec one = run_.spec({.name = step.experiment, .settings = step.settings});
  one.process = study_.process;
  one.experiment.settings["nodes"] = "HEAD";
  outcome_.result.attention_command = command_line(one) + " --out heads";
}

}  // namespace patchbay::runs
