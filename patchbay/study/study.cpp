#include "patchbay/study/study.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <system_error>

#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"
#include "patchbay/experiments/experiment.h"
#include "patchbay/io/file.h"
#include "patchbay/model/weight_processing.h"
#include "patchbay/study/toml_section-inl.h"

namespace patchbay {
namespace {

toml::table parse_file(std::string_view text, std::string_view where) {
  try {
    return toml::parse(text, where);
  } catch (const toml::parse_error& error) {
    throw Error(
        ErrorKind::kBadConfig, "study",
        fmt::format("{}, line {}: {}", where, error.source().begin.line, error.description()));
  } catch (const TomlAssertion&) {
    throw Error(ErrorKind::kBadConfig, "study",
                fmt::format("{}: is not valid TOML: a table or a key has a malformed name", where));
  }
}

Published read_published(std::string_view where, const Section& step, const toml::node& node) {
  if (!node.is_table()) step.fail(node, "\"published\" must be a table");
  Section section(where, "published", *node.as_table());
  Published published;
  if (const toml::node* effects = section.take("effects", false)) {
    if (!effects->is_table()) section.fail(*effects, "\"effects\" must be a table");
    for (const auto& [cell, effect] : *effects->as_table()) {
      published.effects[std::string(cell.str())] = number_of(section, cell.str(), effect);
    }
  }
  if (const toml::node* groups = section.take("groups", false)) {
    if (!groups->is_array()) section.fail(*groups, "\"groups\" must be a list of lists");
    for (const toml::node& group : *groups->as_array()) {
      if (!group.is_array() || group.as_array()->size() < 2) {
        section.fail(group, "a group is a list: its name, then its cells");
      }
      published.groups.push_back(texts_of(section, "groups", group));
    }
  }
  section.refuse_others();
  return published;
}

ReferenceModel read_reference(std::string_view where, const Section& study,
                              const toml::node& node) {
  if (!node.is_table()) study.fail(node, "[reference] must be a table");
  Section section(where, "[reference]", *node.as_table());
  ReferenceModel reference{.name = section.text("name", true),
                           .n_layers = section.integer("n_layers", 0),
                           .n_heads = section.integer("n_heads", 0),
                           .d_model = section.integer("d_model", 0)};
  section.refuse_others();
  return reference;
}

StudyCircuit read_circuit(std::string_view where, const Section& study, const toml::node& node) {
  if (!node.is_table()) study.fail(node, "[circuit] must be a table");
  Section section(where, "[circuit]", *node.as_table());
  StudyCircuit circuit{.published = section.text("published", true),
                       .found_by = section.text("found_by", true),
                       .roles = {}};
  const auto names = published_circuit_names();
  if (std::ranges::find(names, circuit.published) == names.end()) {
    section.fail(
        node, fmt::format("there is no published circuit \"{}\"{}; there are {}", circuit.published,
                          did_you_mean(circuit.published, names), fmt::join(names, ", ")));
  }
  if (const toml::node* roles = section.take("roles", false)) {
    if (!roles->is_table()) section.fail(*roles, "\"roles\" must be a table");
    for (const auto& [role, value] : *roles->as_table()) {
      try {
        circuit.roles[std::string(role.str())] = parse_role(value.value_or<std::string>(""));
      } catch (const Error& error) {
        section.fail(value, error.what());
      }
    }
  }
  section.refuse_others();
  return circuit;
}

// What a step needs of earlier ones, and whether the braces in its options stand for something.
void check_circuit(const Section& section, const Study& study, const StudyStep& step) {
  std::vector<std::string> known = {"circuit"};
  if (study.circuit) {
    for (const auto& [role, where] : study.circuit->roles) known.push_back(role);
  }
  for (const auto& [option, value] : step.settings) {
    for (std::size_t open = value.find('{'); open != std::string::npos;
         open = value.find('{', open + 1)) {
      const std::string name = value.substr(open + 1, value.find('}', open) - open - 1);
      if (!study.circuit) {
        section.fail(section.table(), "the study has no [circuit] that braces could stand for");
      }
      if (value.find('}', open) == std::string::npos ||
          std::ranges::find(known, name) == known.end()) {
        section.fail(section.table(),
                     fmt::format("{{{}}} stands for nothing{}; there are {}", name,
                                 did_you_mean(name, known), fmt::join(known, ", ")));
      }
      const auto finder = std::ranges::find(study.steps, study.circuit->found_by, &StudyStep::id);
      if (finder == study.steps.end() || finder->experiment != "find_circuit") {
        section.fail(section.table(),
                     fmt::format("no earlier experiment is a find_circuit with the id \"{}\"",
                                 study.circuit->found_by));
      }
    }
  }
}

void read_task(std::string_view where, const toml::node& node, Study& study) {
  if (!node.is_table()) {
    throw Error(ErrorKind::kBadConfig, "study", fmt::format("{}: [task] must be a table", where));
  }
  Section section(where, "[task]", *node.as_table());
  study.task = section.text("name", true);
  study.task_options.prompts = section.integer("prompts", 0);
  const std::int64_t seed = section.integer("seed", -1);
  if (seed >= 0) study.task_options.seed = static_cast<std::uint64_t>(seed);
  study.task_options.corruption = section.text("corruption", false);
  study.task_options.prompt_type = section.text("prompt_type", false);
  study.task_options.prepend_bos = section.flag("prepend_bos");
  study.task_options.special = section.flag("special").value_or(false);
  study.task_options.skip_unfit = section.flag("skip_unfit").value_or(false);
  study.task_options.first_answer_token = section.flag("first_answer_token").value_or(false);
  section.refuse_others();
}

// The names that a step uses. Throws kUsage for one that does not exist.
void check_step(const Section& section, const StudyStep& step) {
  const experiments::Experiment& experiment = experiments::find(step.experiment);
  std::vector<std::string> known;
  for (const experiments::Field& field : experiment.fields) known.push_back(field.name);
  for (const auto& [name, value] : step.settings) {
    if (std::ranges::find(known, name) != known.end()) continue;
    section.fail(*section.table()["options"][name].node(),
                 fmt::format("{} has no option \"{}\"{}; there are {}", experiment.name, name,
                             experiments::suggested_field(name, known), fmt::join(known, ", ")));
  }
  for (const std::string& view : step.show) {
    const std::string name = check_view(view);
    const auto needs = [&](const char* key, bool is_there) {
      if (is_there) return;
      section.fail(section.table(), fmt::format("the view \"{}\" needs the key \"{}\"", name, key));
    };
    if (name == "of_heads") needs("heads_of", !step.heads_of.empty());
    if (name == "published") needs("published.effects", !step.published.effects.empty());
    if (name == "groups") needs("published.groups", !step.published.groups.empty());
  }
}

StudyStep read_step(std::string_view where, const toml::table& table) {
  Section section(where, "[[experiment]]", table);
  StudyStep step;
  step.where = fmt::format("{}, line {}", where, table.source().begin.line);
  step.id = section.text("id", true);
  if (step.id == "study") {
    section.fail(table, "the id \"study\" is taken by the study's own file; name it otherwise");
  }
  step.experiment = section.text("experiment", true);
  step.title = section.text("title", true);
  step.text = section.text("text", false);
  step.prompts = section.integer("prompts", 0);
  if (const toml::node* show = section.take("show", false)) {
    step.show = texts_of(section, "show", *show);
  }
  step.reference_only = section.flag("reference_only").value_or(false);
  step.heads_of = section.text("heads_of", false);
  if (const toml::node* published = section.take("published", false)) {
    step.published = read_published(where, section, *published);
  }
  if (const toml::node* options = section.take("options", false)) {
    if (!options->is_table()) section.fail(*options, "\"options\" must be a table");
    for (const auto& [key, value] : *options->as_table()) {
      step.settings[std::string(key.str())] = as_text(section, key.str(), value);
    }
  }
  section.refuse_others();
  constexpr auto kPlain = "abcdefghijklmnopqrstuvwxyz0123456789_";
  if (step.id.empty() || step.id.find_first_not_of(kPlain) != std::string::npos) {
    section.fail(table, fmt::format("the id \"{}\" must be small letters, digits and _", step.id));
  }
  try {
    check_step(section, step);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kBadConfig) throw;
    section.fail(table, error.what());
  }
  return step;
}

}  // namespace

bool ReferenceModel::is(const HookedTransformerConfig& cfg) const {
  return cfg.n_layers == n_layers && cfg.n_heads == n_heads && cfg.d_model == d_model;
}

Study parse_study(std::string_view text, std::string_view where) {
  const toml::table file = parse_file(text, where);
  Section section(where, "the study", file);
  Study study;
  study.title = section.text("title", true);
  study.text = section.text("text", false);
  study.model = section.text("model", true);
  read_task(where, *section.take("task", true), study);
  if (const toml::node* process = section.take("process", false)) {
    try {
      study.process = parse_weight_processing(
          fmt::format("{}", fmt::join(texts_of(section, "process", *process), ",")), "process");
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kBadConfig) throw;
      section.fail(*process, error.what());
    }
  }
  if (const toml::node* circuit = section.take("circuit", false)) {
    study.circuit = read_circuit(where, section, *circuit);
  }
  const toml::node* steps = section.take("experiment", true);
  if (!steps->is_array_of_tables()) section.fail(*steps, "write [[experiment]], in two brackets");
  if (const toml::node* reference = section.take("reference", false)) {
    study.reference = read_reference(where, section, *reference);
  }
  std::vector<std::string> ids;
  for (const toml::node& node : *steps->as_array()) {
    const StudyStep step = read_step(where, *node.as_table());
    const auto is_there = [&](const std::string& id) {
      return std::ranges::find(ids, id) != ids.end();
    };
    if (is_there(step.id)) section.fail(node, fmt::format("the id \"{}\" is taken", step.id));
    if (!step.heads_of.empty() && !is_there(step.heads_of)) {
      section.fail(node, fmt::format("no earlier experiment has the id \"{}\"{}", step.heads_of,
                                     did_you_mean(step.heads_of, ids)));
    }
    if (!study.reference && (step.reference_only || !step.published.empty())) {
      section.fail(node, "the study has no [reference] that this could be about");
    }
    check_circuit(Section(where, "[[experiment]]", *node.as_table()), study, step);
    ids.push_back(step.id);
    study.steps.push_back(step);
  }
  section.refuse_others();
  try {
    (void)tasks::find(study.task.substr(0, study.task.find(':')));
  } catch (const Error& error) {
    section.fail(file, error.what());
  }
  return study;
}

Study read_study(const std::filesystem::path& path) {
  constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 20;
  Study study = parse_study(read_file(path, kMostBytes), path.string());
  study.name = path.stem().string();
  const std::filesystem::path folder = path.parent_path();
  constexpr std::string_view kFile = "file:";
  if (study.task.starts_with(kFile)) {
    study.task = std::string(kFile) + (folder / study.task.substr(kFile.size())).string();
  }
  for (StudyStep& step : study.steps) {
    const auto circuit = step.settings.find("circuit");
    if (circuit == step.settings.end() || !circuit->second.ends_with(".json")) continue;
    circuit->second = (folder / circuit->second).string();
  }
  return study;
}

std::map<std::string, std::filesystem::path> list_studies(
    const std::vector<std::filesystem::path>& folders) {
  std::map<std::string, std::filesystem::path> studies;
  for (const std::filesystem::path& folder : folders) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
      if (entry.path().extension() != ".toml") continue;
      studies.try_emplace(entry.path().stem().string(), entry.path());
    }
  }
  return studies;
}

}  // namespace patchbay
