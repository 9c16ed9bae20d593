// A study: experiments on the prompts of one task, with words about them, as data in a TOML file.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/config/hooked_transformer_config.h"
#include "patchbay/model/weights.h"
#include "patchbay/study/circuit_names.h"
#include "patchbay/study/views.h"
#include "patchbay/tasks/task.h"

namespace patchbay {

/// The model that published numbers are about, known by its sizes.
struct ReferenceModel {
  std::string name;
  std::int64_t n_layers = 0;
  std::int64_t n_heads = 0;
  std::int64_t d_model = 0;

  [[nodiscard]] bool is(const HookedTransformerConfig& cfg) const;
};

/// One experiment of a study.
struct StudyStep {
  std::string where;       ///< "FILE, line N", for errors
  std::string id;          ///< the stem of its result file
  std::string experiment;  ///< a name of patchbay/experiments
  std::string title;
  std::string text;          ///< what is seen, and how not to misread it
  std::int64_t prompts = 0;  ///< only the first so many of the study's prompts; 0: all
  std::map<std::string, std::string> settings;  ///< its own options; circuit_names.h fills {…}
  std::vector<std::string> show;                ///< views, such as "grid" or "largest:15"
  bool reference_only = false;  ///< runs on the reference model alone: it names its heads
  Published published;          ///< about the same experiment on the reference model
  std::string heads_of;         ///< the id of an earlier step, for the view of_heads
};

struct Study {
  std::string name;  ///< the file's stem
  std::string title;
  std::string text;
  std::string model;  ///< what runs when no other model is asked for
  std::optional<ReferenceModel> reference;
  WeightProcessing process;  ///< of the weights, as far as the model's norms allow it
  std::optional<StudyCircuit> circuit;
  std::string task;
  tasks::TaskOptions task_options;
  std::vector<StudyStep> steps;
};

/// Reads a study, whose paths of prompts and circuits are relative to its file, and checks that its
/// task, experiments, options and views exist. Throws kBadConfig naming file, line and what is
/// wrong, with the nearest name; as read_file.
Study read_study(const std::filesystem::path& path);
/// The same from text; `where` names it in errors.
Study parse_study(std::string_view text, std::string_view where);

/// The studies (stems of .toml files) of some folders, sorted; of one name the first folder's
/// counts.
std::map<std::string, std::filesystem::path> list_studies(
    const std::vector<std::filesystem::path>& folders);

}  // namespace patchbay
