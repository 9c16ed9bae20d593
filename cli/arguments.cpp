// The command line, read with CLI11: what is declared in verbs.cpp, and errors that suggest a name.
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
#include "cli/verbs.h"
#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"
#include "patchbay/base/version.h"
#include "patchbay/experiments/experiment.h"
#include "patchbay/model/weight_processing.h"

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
  /// json when nothing is said. Throws kUsage with the nearest name.
  [[nodiscard]] std::vector<std::string> formats() const {
    const auto text = one("--format");
    if (!text) return {"json"};
    if (!flag("--out")) fail("--format says which files to write; add --out DIR");
    const std::vector<std::string> known = {"json", "csv", "npz"};
    std::vector<std::string> formats = split_at_commas(*text);
    for (const std::string& format : formats) {
      if (std::ranges::find(known, format) != known.end()) continue;
      fail(fmt::format("there is no format \"{}\"{}; there are {}", format,
                       did_you_mean(format, known), fmt::join(known, ", ")));
    }
    return formats;
  }
  [[nodiscard]] WeightProcessing process() const {
    const auto names = one("--process");
    return names ? parse_weight_processing(*names, "--process") : WeightProcessing{};
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
    for (const VerbSpec& spec : verbs()) add(spec);
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

  void add(const VerbSpec& spec) {
    CLI::App* app = &app_;
    if (!spec.path.empty()) {
      const auto space = spec.path.rfind(' ');
      const bool nested = space != std::string::npos;
      CLI::App* parent = nested ? app_.get_subcommand(spec.path.substr(0, space)) : &app_;
      app = parent->add_subcommand(nested ? spec.path.substr(space + 1) : spec.path);
    }
    app->description(spec.what);
    app->set_help_flag("-h,--help", "print this page");
    app->footer(spec.examples);
    app->allow_extras();
    app->require_subcommand(0, 1);  // so that a later word is never taken for a verb
    for (const OptionSpec& option : spec.options) {
      if (option.is_flag()) {
        app->add_flag(option.names, option.what);
        continue;
      }
      app->add_option(option.names, option.what)
          ->type_name(option.type)
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
          ->allow_extra_args(false);
    }
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
    const std::string path =
        path_of(app).substr(std::string_view("patchbay ").size() - (app == &app_));
    if (path == "model info") return ModelInfo{given.common(), given.model_argument()};
    if (path == "model pull") return pull(given);
    if (path == "model list") return ListModels{given.common()};
    if (path == "model verify") return VerifyModel{given.common(), given.model_argument()};
    if (path == "hooks") {
      return ListHooks{given.common(), given.model_argument(),
                       given.integer("--pos", 1, std::numeric_limits<std::int32_t>::max()),
                       given.names()};
    }
    if (path == "tokens") {
      return ShowTokens{given.common(), given.model(), given.prompt(), given.flag("--single")};
    }
    if (path == "predict") return predict(given);
    if (path == "cache") return cache(given);
    if (path == "task list") return ListTasks{given.common()};
    if (path == "task show") {
      return ShowTask{given.common(), given.one("--model").value_or("ioi-small"),
                      given.task("NAME")};
    }
    if (path == "run") return run(given);
    if (path == "study") return study(given);
    if (path == "doctor") return Doctor{given.common()};
    if (path.empty()) return ShowText{render(page_of(app))};
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
                      .formats = given.formats(),
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
    return RunStudy{given.common(),       *name,
                    given.one("--model"), given.one("--out").value_or(""),
                    given.formats(),      given.max_memory()};
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

  CLI::App app_{"", "patchbay"};
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
