// The command line, read with CLI11: verbs, options, help pages, and errors that suggest a name.
//
// Everything arrives as text; option_values.h turns it into numbers. CLI11's own messages are
// replaced because they do not suggest.
#include "cli/arguments.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <limits>

#include "cli/help_page.h"
#include "cli/option_values.h"
#include "cli/output.h"
#include "cli/task_options.h"
#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"
#include "patchbay/base/version.h"
#include "patchbay/experiments/experiment.h"

namespace patchbay::cli {
namespace {

std::string path_of(const CLI::App* app) {
  if (app->get_parent() == nullptr) return "patchbay";
  return path_of(app->get_parent()) + " " + app->get_name();
}

HelpPage page_of(const CLI::App* app) {
  HelpPage page{.command = path_of(app),
                .what = app->get_description(),
                .usage = "",
                .verbs = {},
                .arguments = {},
                .options = {},
                .examples = app->get_footer()};
  for (const CLI::App* verb : app->get_subcommands([](const CLI::App*) { return true; })) {
    page.verbs.push_back({verb->get_name(), verb->get_description()});
  }
  for (const CLI::Option* option : app->get_options()) {
    if (option->get_positional()) {
      page.arguments.push_back({option->get_name(true), option->get_description()});
      page.usage += "[" + option->get_name(true) + "] ";
    } else {
      std::string name = option->get_name(false, true);
      if (option->get_expected_max() > 0) name += " " + option->get_type_name();
      page.options.push_back({name, option->get_description()});
    }
  }
  if (!page.verbs.empty()) page.usage += "COMMAND ";
  page.usage += "[OPTIONS]";
  return page;
}

// What one verb's arguments were.
class Given {
 public:
  explicit Given(const CLI::App& app) : app_(app) {}

  [[nodiscard]] bool flag(const std::string& name) const {
    return app_.get_option(name)->count() > 0;
  }
  [[nodiscard]] std::vector<std::string> all(const std::string& name) const {
    return app_.get_option(name)->results();
  }
  [[nodiscard]] std::optional<std::string> one(const std::string& name) const {
    const std::vector<std::string> values = all(name);
    if (values.size() > 1) fail(fmt::format("{} is given {} times", name, values.size()));
    return values.empty() ? std::nullopt : std::optional(values.front());
  }
  [[nodiscard]] std::optional<std::int64_t> integer(const std::string& name, std::int64_t least,
                                                    std::int64_t most) const {
    const auto text = one(name);
    return text ? std::optional(read_integer(name, *text, least, most)) : std::nullopt;
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::kUsage, path_of(&app_),
                fmt::format("{}; {} --help shows examples", what, path_of(&app_)));
  }

  [[nodiscard]] CommonOptions common() const {
    constexpr int kMaxThreads = 256;
    return {.threads = static_cast<int>(integer("--threads", 1, kMaxThreads).value_or(0)),
            .json = flag("--json"),
            .quiet = flag("--quiet")};
  }
  [[nodiscard]] std::string model() const {
    const auto model = one("--model");
    if (!model)
      fail("no model is given; add --model with a name, a folder, or a .safetensors or .gguf file");
    return *model;
  }
  [[nodiscard]] std::string model_argument() const {
    const auto path = one("PATH");
    if (path && flag("--model")) fail("the model is given twice, as PATH and as --model");
    return path ? *path : model();
  }
  [[nodiscard]] PromptOptions prompt() const {
    PromptOptions prompt{.text = one("TEXT"), .tokens = {}, .bos = {}, .special = false};
    if (const auto ids = one("--tokens")) prompt.tokens = read_token_ids("--tokens", *ids);
    if (!prompt.text && !prompt.tokens) fail("no prompt is given; add a text or --tokens IDS");
    if (prompt.text && prompt.tokens) fail("the prompt is given twice, as text and as --tokens");
    if (flag("--bos") && flag("--no-bos")) fail("--bos and --no-bos exclude each other");
    if (flag("--bos") || flag("--no-bos")) prompt.bos = flag("--bos");
    prompt.special = flag("--special");
    if (prompt.tokens && (prompt.bos || prompt.special)) {
      fail("--tokens are taken as they are; leave --bos, --no-bos and --special away");
    }
    return prompt;
  }
  [[nodiscard]] TaskChoice task(const std::string& option) const {
    const auto name = one(option);
    if (!name) fail("no task is given; patchbay task list shows them");
    return {*name, read_task_options([&](const TaskOption& known) -> std::optional<std::string> {
              if (*known.type != '\0') return one(known.name);
              return flag(known.name) ? std::optional<std::string>("") : std::nullopt;
            })};
  }
  [[nodiscard]] std::int64_t max_memory() const {
    const auto size = one("--max-memory");
    return size ? read_bytes("--max-memory", *size) : RunOptions::kDefaultMemory;
  }
  [[nodiscard]] WeightProcessing process() const {
    const auto names = one("--process");
    return names ? read_processing("--process", *names) : WeightProcessing{};
  }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const std::string& value : all("--names")) {
      for (std::string& name : split_at_commas(value)) names.push_back(std::move(name));
    }
    return names;
  }

 private:
  const CLI::App& app_;
};

class Parser {
 public:
  Parser() {
    setup(&app_,
          "patchbay model info tests/golden/tiny-gpt2\n"
          "patchbay predict --model tests/golden/tiny-gpt2 \"When Mary and John went to the\"\n"
          "patchbay doctor");
    flag(&app_, "--version", "print the version");
    add_model();
    add_hooks();
    add_tokens();
    add_predict();
    add_cache();
    add_task();
    add_run();
    add_study();
    doctor_ = verb(&app_, "doctor", "check the arithmetic of this machine, in some 50 ms",
                   "patchbay doctor\npatchbay doctor --json");
    common(doctor_);
  }

  Command parse(int argc, const char* const* argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
      return ShowText{render(page_of(chosen(&app_)))};
    } catch (const CLI::ArgumentMismatch& error) {
      const std::string text = error.what();  // "--model: 1 required PATH missing"
      Given(*chosen(&app_)).fail(text.substr(0, text.find(':')) + " needs a value");
    } catch (const CLI::ParseError& error) {
      const std::string path = path_of(chosen(&app_));
      throw Error(ErrorKind::kUsage, path,
                  fmt::format("{}; {} --help shows examples", error.what(), path));
    }
    refuse_unknown(chosen(&app_), app_.remaining(true));
    if (Given(app_).flag("--version")) return ShowText{fmt::format("patchbay {}\n", kVersion)};
    return command();
  }

 private:
  static const CLI::App* chosen(const CLI::App* app) {
    const auto verbs = app->get_subcommands();
    return verbs.empty() ? app : chosen(verbs.front());
  }

  static void setup(CLI::App* app, const char* examples) {
    app->set_help_flag("-h,--help", "print this page");
    app->footer(examples);
    app->allow_extras();
    app->require_subcommand(0, 1);  // so that a later word is never taken for a verb
  }
  static CLI::App* verb(CLI::App* parent, const char* name, const char* what,
                        const char* examples) {
    CLI::App* app = parent->add_subcommand(name, what);
    setup(app, examples);
    return app;
  }
  static void option(CLI::App* app, const char* names, const char* type, const std::string& what) {
    app->add_option(names, what)
        ->type_name(type)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->allow_extra_args(false);
  }
  static void flag(CLI::App* app, const char* names, const std::string& what) {
    app->add_flag(names, what);
  }

  static void common(CLI::App* app) {
    flag(app, "--json", "write JSON");
    option(app, "--threads", "N", "use N threads (all processors); results are the same");
    flag(app, "-q,--quiet", "no messages on standard error except errors");
  }
  static void model(CLI::App* app) {
    option(app, "-m,--model", "PATH",
           "a name (ioi-small, gpt2, ORG/NAME), a folder in Hugging Face layout, or a .safetensors "
           "or .gguf file");
  }
  static void prompt(CLI::App* app) {
    option(app, "TEXT", "", "the prompt; - reads standard input, as it is");
    option(app, "--tokens", "IDS", "the prompt as token ids, such as 1,2,3");
    flag(app, "--bos", "begin with the token of the beginning (when the tokenizer has one)");
    flag(app, "--no-bos", "begin with the text");
    flag(app, "--special", "read <|endoftext|> and its like in the text as one token");
  }
  static void task(CLI::App* app) {
    for (const TaskOption& known : task_options()) {
      if (*known.type == '\0') {
        flag(app, known.name, known.what);
      } else {
        option(app, known.name, known.type, known.what);
      }
    }
  }
  static void process(CLI::App* app) {
    option(app, "--process", "LIST",
           "rewrite the weights first: fold_layer_norm, center_writing_weights, center_unembed, "
           "fold_value_biases, or all");
  }

  void add_model() {
    CLI::App* parent = verb(&app_, "model", "look at a model, fetch it, check it",
                            "patchbay model info tests/golden/tiny-gpt2\npatchbay model list");
    model_info_ = verb(parent, "info", "sizes, weights and tokenizer of a model",
                       "patchbay model info tests/golden/tiny-gpt2\n"
                       "patchbay model info --json tests/golden/tiny-gpt2");
    option(model_info_, "PATH", "", "the model, as for --model");
    model(model_info_);
    common(model_info_);
    model_pull_ = verb(parent, "pull", "download a model into the Hugging Face cache",
                       "patchbay model pull gpt2\n"
                       "patchbay model pull HuggingFaceTB/SmolLM2-135M --revision main\n"
                       "patchbay model pull gpt2 --quiet --json");
    option(model_pull_, "NAME", "", "a short name such as gpt2, or ORG/NAME");
    option(model_pull_, "--revision", "REV", "a branch, a tag or a commit (main)");
    common(model_pull_);
    model_list_ = verb(parent, "list", "the models that can be named without a download",
                       "patchbay model list\npatchbay model list --json");
    common(model_list_);
    model_verify_ = verb(parent, "verify", "compare a model's files with their digests",
                         "patchbay model verify tests/golden/tiny-gpt2\n"
                         "patchbay model verify tests/golden/tiny-gpt2 --json");
    option(model_verify_, "PATH", "", "the model, as for --model");
    model(model_verify_);
    common(model_verify_);
  }
  void add_hooks() {
    hooks_ = verb(&app_, "hooks", "names and shapes of the activations of a model",
                  "patchbay hooks tests/golden/tiny-gpt2\n"
                  "patchbay hooks tests/golden/tiny-gpt2 --pos 14 --names 'blocks.0.attn.*'\n"
                  "patchbay hooks tests/golden/tiny-gpt2 --names '*hook_resid_pre' --json");
    option(hooks_, "PATH", "", "the model, as for --model");
    model(hooks_);
    option(hooks_, "--pos", "N", "shapes for prompts of N tokens (the most that the model reads)");
    option(hooks_, "--names", "GLOB", "only names that match; * stands for anything; repeatable");
    common(hooks_);
  }
  void add_tokens() {
    tokens_ = verb(&app_, "tokens", "the tokens of a text",
                   "patchbay tokens --model tests/golden/tiny-gpt2 \"When Mary and John\"\n"
                   "patchbay tokens --model tests/golden/tiny-gpt2 --single \" the\"\n"
                   "printf 'Mary and\\nJohn' | patchbay tokens --model tests/golden/tiny-gpt2 "
                   "--no-bos --json -");
    prompt(tokens_);
    flag(tokens_, "--single", "the one token that the text is, without BOS; else an error");
    model(tokens_);
    common(tokens_);
  }
  void add_predict() {
    predict_ =
        verb(&app_, "predict", "the most likely next tokens after a prompt",
             "patchbay predict --model tests/golden/tiny-gpt2 \"When Mary and John went to the\"\n"
             "patchbay predict --model tests/golden/tiny-gpt2 --top-k 3 --answer \" in\" --answer "
             "\" of\" \"Mary and John went\"\n"
             "patchbay predict --model tests/golden/tiny-gpt2 --generate 8 \"Mary went to the\"\n"
             "patchbay predict --model tests/golden/tiny-gpt2 --tokens 299,262,290 --process all "
             "--json");
    prompt(predict_);
    option(predict_, "-k,--top-k", "N", "how many tokens to list (10)");
    option(predict_, "--answer", "TOKEN", "logit, probability and rank of this token; repeatable");
    option(predict_, "--generate", "N",
           "print the N most likely tokens that follow, one after the other, as text");
    process(predict_);
    model(predict_);
    common(predict_);
  }
  void add_cache() {
    cache_ = verb(
        &app_, "cache", "write activations of a run to a file that numpy reads",
        "patchbay cache --model tests/golden/tiny-gpt2 \"When Mary and John went\" --names "
        "'blocks.*.attn.hook_pattern' --out patterns.npz\n"
        "patchbay cache --model tests/golden/tiny-gpt2 --tokens 299,262,290 --names "
        "'*hook_resid_post' --names ln_final.hook_normalized --logits --json --out stream.npz");
    prompt(cache_);
    option(cache_, "--names", "GLOB", "which activations; * stands for anything; repeatable");
    option(cache_, "-o,--out", "FILE", "the .npz file to write");
    flag(cache_, "--logits", "write the logits of every position too");
    process(cache_);
    model(cache_);
    common(cache_);
  }

  void add_task() {
    CLI::App* parent = verb(&app_, "task", "the prompts that experiments run",
                            "patchbay task list\npatchbay task show ioi_lab --prompts 2");
    task_list_ = verb(parent, "list", "the tasks, their corruptions and their defaults",
                      "patchbay task list\npatchbay task list --json");
    common(task_list_);
    task_show_ = verb(parent, "show", "the prompts of a task, as a model reads them",
                      "patchbay task show ioi_lab --prompts 2\n"
                      "patchbay task show ioi --prompt-type ABBA --corruption 'S2->IO' --seed 7 "
                      "--prompts 3 --bos --json\n"
                      "patchbay task show induction --model tests/golden/tiny-gpt2 --prompts 1");
    option(task_show_, "NAME", "", "a task such as ioi, or file:PATH with pairs of your own");
    model(task_show_);
    task(task_show_);
    common(task_show_);
  }

  void add_run() {
    run_ =
        verb(&app_, "run", "an experiment on the prompts of a task",
             "patchbay run activation_patching --task ioi --prompts 20\n"
             "patchbay run activation_patching --model ioi-small --task ioi --prompts 20 --seed 1 "
             "--site z --axes layer,head --direction noise --metric logit_diff --out results\n"
             "patchbay run accuracy --task ioi_lab --prompts 10");
    std::string names;
    for (const experiments::Experiment* experiment : experiments::all()) {
      names += fmt::format("{}{}", names.empty() ? "" : ", ", experiment->name);
    }
    option(run_, "EXPERIMENT", "", names);
    option(run_, "--task", "NAME", "the prompts: a task such as ioi, or file:PATH");
    task(run_);
    model(run_);
    process(run_);
    option(run_, "-o,--out", "DIR", "write DIR/EXPERIMENT.json");
    option(run_, "--max-memory", "SIZE",
           "what activations may take beside the model, such as 512M or 2G (1G)");
    option(run_, "--top", "N", "how many of the largest effects to list (10)");
    for (const experiments::Experiment* experiment : experiments::all()) {
      for (const experiments::OptionInfo& info : experiment->options) {
        const std::string name = fmt::format("--{}", info.name);
        if (run_->get_option_no_throw(name) != nullptr) continue;
        option(run_, name.c_str(), "VALUE",
               fmt::format("{}{}", info.what,
                           info.fallback.empty() ? "" : fmt::format(" ({})", info.fallback)));
      }
    }
    common(run_);
  }

  void add_study() {
    study_ = verb(&app_, "study", "every experiment of a study file",
                  "patchbay study --list\n"
                  "patchbay study figure_3b\n"
                  "patchbay study ioi_lab --model ioi-small --out results");
    option(study_, "STUDY", "", "the name of a study that comes with patchbay, or a .toml file");
    flag(study_, "--list", "the studies that come with patchbay");
    model(study_);
    option(study_, "-o,--out", "DIR", "write a result file for every experiment");
    option(study_, "--max-memory", "SIZE",
           "what activations may take beside the model, such as 512M or 2G (1G)");
    common(study_);
  }

  // The first argument that nothing took.
  static void refuse_unknown(const CLI::App* app, const std::vector<std::string>& left) {
    const auto first = std::ranges::find_if(left, [](const auto& word) { return word != "--"; });
    if (first == left.end()) return;
    const Given given(*app);
    const std::string& word = *first;
    std::vector<std::string> options;
    for (const CLI::Option* known : app->get_options()) {
      for (const std::string& name : known->get_lnames()) options.push_back("--" + name);
    }
    std::vector<std::string> verbs;
    for (const CLI::App* known : app->get_subcommands([](const CLI::App*) { return true; })) {
      verbs.push_back(known->get_name());
    }
    const bool after_mark = std::find(left.begin(), first, "--") != first;
    if (word.starts_with("-") && !after_mark) {
      const std::string name = word.substr(0, word.find('='));
      const bool takes_text = app->get_option_no_throw("TEXT") != nullptr;
      const std::string nearest = did_you_mean(name, options);
      given.fail(fmt::format("there is no option {}{}", quote(name),
                             nearest.empty() && takes_text
                                 ? "; put -- before a text that begins with a dash"
                                 : nearest));
    }
    if (!verbs.empty()) {
      given.fail(fmt::format("there is no command {}{}", quote(word), did_you_mean(word, verbs)));
    }
    given.fail(fmt::format(
        "the argument {} is one too many{}", quote(word),
        word.find(' ') == std::string::npos && app->get_option_no_throw("TEXT") != nullptr
            ? "; put a text with spaces in quotes"
            : ""));
  }

  [[nodiscard]] Command command() const {
    const CLI::App* app = chosen(&app_);
    const Given given(*app);
    if (app == model_info_) return ModelInfo{given.common(), given.model_argument()};
    if (app == model_pull_) return pull(given);
    if (app == model_list_) return ListModels{given.common()};
    if (app == model_verify_) return VerifyModel{given.common(), given.model_argument()};
    if (app == hooks_) {
      return ListHooks{given.common(), given.model_argument(),
                       given.integer("--pos", 1, std::numeric_limits<std::int32_t>::max()),
                       given.names()};
    }
    if (app == tokens_) {
      return ShowTokens{given.common(), given.model(), given.prompt(), given.flag("--single")};
    }
    if (app == predict_) return predict(given);
    if (app == cache_) return cache(given);
    if (app == task_list_) return ListTasks{given.common()};
    if (app == task_show_) {
      return ShowTask{given.common(), given.one("--model").value_or("ioi-small"),
                      given.task("NAME")};
    }
    if (app == run_) return run(given);
    if (app == study_) return study(given);
    if (app == doctor_) return Doctor{given.common()};
    if (app == &app_) return ShowText{render(page_of(app))};
    given.fail("a command is missing");
  }

  static Command pull(const Given& given) {
    const auto name = given.one("NAME");
    if (!name) given.fail("no model is given; add a name such as gpt2, or ORG/NAME");
    return PullModel{given.common(), *name, given.one("--revision")};
  }
  static Command predict(const Given& given) {
    constexpr std::int64_t kMost = 1'000'000'000;
    Predict predict{.common = given.common(),
                    .model = given.model(),
                    .prompt = given.prompt(),
                    .process = given.process(),
                    .top_k = given.integer("--top-k", 1, kMost).value_or(10),
                    .answers = given.all("--answer"),
                    .generate = given.integer("--generate", 1, kMost).value_or(0)};
    const bool more = given.flag("--top-k") || given.flag("--answer");
    if (predict.generate > 0 && more && !predict.common.json) {
      given.fail("--generate prints text alone; add --json to have --top-k or --answer beside it");
    }
    return predict;
  }
  static Command run(const Given& given) {
    const auto name = given.one("EXPERIMENT");
    if (!name) given.fail("no experiment is named");
    const experiments::Experiment& experiment = experiments::find(*name);
    RunExperiment run{.common = given.common(),
                      .experiment = *name,
                      .model = given.one("--model").value_or("ioi-small"),
                      .process = given.process(),
                      .task = given.task("--task"),
                      .settings = {},
                      .out = given.one("--out").value_or(""),
                      .top = given.integer("--top", 0, 1'000'000).value_or(10)};
    run.max_memory = given.max_memory();
    std::vector<std::string> known;
    for (const experiments::OptionInfo& info : experiment.options) known.emplace_back(info.name);
    for (const experiments::Experiment* other : experiments::all()) {
      for (const experiments::OptionInfo& info : other->options) {
        const auto value = given.one(fmt::format("--{}", info.name));
        if (!value) continue;
        if (std::ranges::find(known, info.name) == known.end()) {
          given.fail(fmt::format("{} has no option --{}", *name, info.name));
        }
        run.settings[std::string(info.name)] = *value;
      }
    }
    return run;
  }
  static Command study(const Given& given) {
    if (given.flag("--list")) return ListStudies{given.common()};
    const auto name = given.one("STUDY");
    if (!name) given.fail("no study is named; patchbay study --list shows them");
    return RunStudy{given.common(), *name, given.one("--model"), given.one("--out").value_or(""),
                    given.max_memory()};
  }
  static Command cache(const Given& given) {
    CacheActivations cache{.common = given.common(),
                           .model = given.model(),
                           .prompt = given.prompt(),
                           .process = given.process(),
                           .names = given.names(),
                           .out = given.one("--out").value_or(""),
                           .logits = given.flag("--logits")};
    if (cache.names.empty()) {
      given.fail("no activations are named; add --names, such as 'blocks.*.attn.hook_pattern'");
    }
    if (cache.out.empty()) given.fail("no file to write is given; add --out FILE.npz");
    return cache;
  }

  CLI::App app_{"finds and verifies circuits inside transformers", "patchbay"};
  CLI::App* model_info_ = nullptr;
  CLI::App* model_pull_ = nullptr;
  CLI::App* model_list_ = nullptr;
  CLI::App* model_verify_ = nullptr;
  CLI::App* hooks_ = nullptr;
  CLI::App* tokens_ = nullptr;
  CLI::App* predict_ = nullptr;
  CLI::App* cache_ = nullptr;
  CLI::App* task_list_ = nullptr;
  CLI::App* task_show_ = nullptr;
  CLI::App* run_ = nullptr;
  CLI::App* study_ = nullptr;
  CLI::App* doctor_ = nullptr;
};

}  // namespace

Command parse_arguments(int argc, const char* const* argv) {
  Parser parser;
  return parser.parse(argc, argv);
}

int run(const ShowText& command) {
  write_output(command.text);
  return 0;
}

}  // namespace patchbay::cli
