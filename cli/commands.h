// What the command line asked for, one plain struct a verb, and the functions that do it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "patchbay/base/run_context.h"
#include "patchbay/model/weights.h"
#include "patchbay/patching/shard.h"
#include "patchbay/runs/spec.h"
#include "patchbay/text/byte_pair_encoding.h"

namespace patchbay::cli {

/// When output has colours: where a terminal shows them, in this many colours, or never.
enum class ColourChoice { kAuto, kAlways, kNever, k16, k256, k24Bit };

/// Options that every verb has.
struct CommonOptions {
  int threads = 0;       ///< 0: every processor
  bool json = false;     ///< machine-readable output
  bool quiet = false;    ///< no messages but errors
  double timeout = 0.0;  ///< seconds after which the run is stopped; 0: never
  ColourChoice colour = ColourChoice::kAuto;
  std::string target{};  ///< the instruction set, by name; empty: the best
};

/// A prompt as it was given: as text ("-" for standard input) or as token ids.
struct PromptOptions {
  std::optional<std::string> text;
  std::optional<std::vector<TokenId>> tokens;
  std::optional<bool> bos;  ///< said with --bos or --no-bos; else BOS if the tokenizer has one
  bool special = false;     ///< "<|endoftext|>" in the text is one token
};

/// A page of text for standard output.
struct ShowText {
  std::string text;
};

struct ModelInfo {
  CommonOptions common;
  std::string model;
};

struct PullModel {
  CommonOptions common;
  std::string model;
  std::optional<std::string> revision;
};

struct ListModels {
  CommonOptions common;
};

struct VerifyModel {
  CommonOptions common;
  std::string model;
};

struct ListHooks {
  CommonOptions common;
  std::string model;
  std::optional<std::int64_t> pos;
  std::vector<std::string> names;
};

struct ShowTokens {
  CommonOptions common;
  std::string model;
  PromptOptions prompt;
  bool single = false;
};

struct Predict {
  CommonOptions common;
  std::string model;
  PromptOptions prompt;
  WeightProcessing process;
  std::int64_t top_k = 10;
  std::vector<std::string> answers;
  std::int64_t generate = 0;
};

struct CacheActivations {
  CommonOptions common;
  std::string model;
  PromptOptions prompt;
  WeightProcessing process;
  std::vector<std::string> names;
  std::string out;
  bool logits = false;
};

struct ListTasks {
  CommonOptions common;
};

struct ShowTask {
  CommonOptions common;
  std::string model;
  runs::TaskChoice task;
};

struct RunExperiment {
  CommonOptions common;
  runs::RunSpec run;
  runs::Output output;
  std::int64_t max_memory = RunOptions::kDefaultMemory;
  std::int64_t top = 10;
  std::optional<Shard> shard{};  ///< this part alone
};

struct RunStudy {
  CommonOptions common;
  runs::StudySpec study;
  runs::Output output;
  std::int64_t max_memory = RunOptions::kDefaultMemory;
  std::optional<Shard> shard{};
};

struct MergeShards {
  CommonOptions common;
  std::string folder;  ///< that the shards were written into
};

struct ListStudies {
  CommonOptions common;
};

/// What pictures show.
struct PictureChoice {
  std::optional<std::string> figure;  ///< this one alone
  std::optional<std::string> effect;  ///< instead of the table's own
  std::optional<std::string>
      circuit;  ///< heads to circle: a name, heads, or a result of find_circuit
  std::optional<std::string> title;
};

struct DrawReport {
  CommonOptions common;
  std::vector<std::string> inputs;   ///< result files, folders of them
  std::string out;                   ///< a file that ends in .html, or a folder
  std::vector<std::string> formats;  ///< html, svg, png, pdf, text
  PictureChoice picture;
};

struct CompareResults {
  CommonOptions common;
  std::string first;  ///< a result file
  std::string second;
  std::string out;  ///< as in DrawReport; empty: no files
  std::vector<std::string> formats;
  std::optional<std::string> effect;
  std::int64_t top = 10;
};

struct ShowHelp {
  CommonOptions common;
  std::vector<std::string> topic;  ///< a topic or a command; empty: all of them
};

struct ShowManual {
  CommonOptions common;
  std::vector<std::string> verb;
  std::string out;  ///< a folder for all pages; empty: one page to standard output
};

struct ShowCompletion {
  CommonOptions common;
  std::string shell;
};

struct Doctor {
  CommonOptions common;
};

using Command = std::variant<ShowText, ModelInfo, PullModel, ListModels, VerifyModel, ListHooks,
                             ShowTokens, Predict, CacheActivations, RunExperiment, RunStudy,
                             MergeShards, ListStudies, ListTasks, ShowTask, DrawReport,
                             CompareResults, ShowHelp, ShowManual, ShowCompletion, Doctor>;

/// Each does its verb and returns the exit code; what goes wrong is thrown as Error.
int run(const ShowText& command);
int run(const ModelInfo& command);
int run(const PullModel& command);
int run(const ListModels& command);
int run(const VerifyModel& command);
int run(const ListHooks& command);
int run(const ShowTokens& command);
int run(const Predict& command);
int run(const CacheActivations& command);
int run(const ListTasks& command);
int run(const ShowTask& command);
int run(const RunExperiment& command);
int run(const RunStudy& command);
int run(const MergeShards& command);
int run(const ListStudies& command);
int run(const DrawReport& command);
int run(const CompareResults& command);
int run(const ShowHelp& command);
int run(const ShowManual& command);
int run(const ShowCompletion& command);
int run(const Doctor& command);

}  // namespace patchbay::cli
