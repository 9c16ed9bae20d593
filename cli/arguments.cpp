// The command line, read with CLI11: what is declared in verbs.cpp, and errors that suggest a name.
//
// Everything arrives as text; option_values.h turns it into numbers. CLI11's own messages are
// replaced because they do not suggest.
#include "cli/arguments.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/given-inl.h"
#include "cli/help_page.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"
#include "patchbay/base/version.h"
#include "patchbay/experiments/experiment.h"

namespace patchbay::cli {
namespace {

class Parser {
 public:
  Parser() {
    for (const VerbSpec& spec : verbs()) add(spec);
  }

  Command parse(int argc, const char* const* argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
      return ShowText{render(page_of(verbs(), path_in_app(chosen(&app_))))};
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

  // "model info"; "" for the command itself.
  static std::string path_in_app(const CLI::App* app) {
    const bool whole = app->get_parent() == nullptr;
    return path_of(app).substr(std::string_view("patchbay ").size() - (whole ? 1 : 0));
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
      CLI::Option* made = app->add_option(option.names, option.what)
                              ->type_name(option.type)
                              ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
                              ->allow_extra_args(option.is_many());
      constexpr int kMost = 1 << 16;
      if (option.is_many()) made->expected(0, kMost);
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
    if (word.starts_with('-') && !after_mark) {
      const std::string name = word.substr(0, word.find('='));
      const bool takes_text = app->get_option_no_throw("TEXT") != nullptr;
      const std::string renamed = fmt::format(
          "--{}", experiments::renamed_field(name.substr(std::min<std::size_t>(2, name.size()))));
      const bool is_known = std::ranges::find(options, renamed) != options.end();
      const std::string nearest = is_known ? fmt::format("; did you mean {}?", quote(renamed))
                                           : did_you_mean(name, options);
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
    const std::string path = path_in_app(app);
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
    if (path == "merge") return merge(given);
    if (path == "report") return report(given);
    if (path == "compare") return compare(given);
    if (path == "help") return ShowHelp{given.common(), given.all("TOPIC")};
    if (path == "man") {
      return ShowManual{given.common(), given.all("COMMAND"), given.one("--out").value_or("")};
    }
    if (path == "completion") return completion(given);
    if (path == "doctor") return Doctor{given.common()};
    if (path.empty()) return ShowText{render(page_of(verbs(), ""))};
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
                      .run = {.model = given.one("--model").value_or("ioi-small"),
                              .process = given.process(),
                              .task = given.task("--task"),
                              .experiment = {.name = *name}},
                      .output = {.folder = given.one("--out").value_or(""),
                                 .formats = given.formats(
                                     {"json", "csv", "npz", "svg", "png", "pdf"}, {"json"}, true)},
                      .top = given.integer("--top", 0, 1'000'000).value_or(10)};
    run.max_memory = given.max_memory();
    run.shard = given.shard(run.output.formats);
    std::vector<std::string> known;
    for (const experiments::Field& field : experiment.fields) known.push_back(field.name);
    for (const experiments::Experiment* other : experiments::all()) {
      for (const experiments::Field& field : other->fields) {
        const auto value = given.one(fmt::format("--{}", field.name));
        if (!value) continue;
        if (std::ranges::find(known, field.name) == known.end()) {
          given.fail(fmt::format("{} has no option --{}", *name, field.name));
        }
        run.run.experiment.settings[field.name] = *value;
      }
    }
    return run;
  }
  static Command study(const Given& given) {
    if (given.flag("--list")) return ListStudies{given.common()};
    const auto name = given.one("STUDY");
    if (!name) given.fail("no study is named; patchbay study --list shows them");
    RunStudy study{
        .common = given.common(),
        .study = {.study = *name, .model = given.one("--model")},
        .output = {.folder = given.one("--out").value_or(""),
                   .formats = given.formats({"json", "csv", "npz", "svg", "png", "pdf", "html"},
                                            {"json", "html"}, true)},
        .max_memory = given.max_memory()};
    study.shard = given.shard(study.output.formats);
    return study;
  }
  static Command merge(const Given& given) {
    const auto folder = given.one("DIR");
    if (!folder) given.fail("no folder is named; name the one that the shards had as --out");
    return MergeShards{given.common(), *folder};
  }
  static Command report(const Given& given) {
    DrawReport report{
        .common = given.common(),
        .inputs = given.all("FILE"),
        .out = given.one("--out").value_or(""),
        .formats = given.formats({"html", "svg", "png", "pdf", "text"}, {"html"}, false),
        .picture = {.figure = given.one("--figure"),
                    .effect = given.one("--effect"),
                    .circuit = given.one("--circuit"),
                    .title = given.one("--title")}};
    if (report.inputs.empty())
      given.fail("no result is named; name result files or the folder of a study");
    return report;
  }
  static Command compare(const Given& given) {
    const auto first = given.one("FIRST");
    const auto second = given.one("SECOND");
    if (!first || !second) given.fail("name two result files");
    return CompareResults{.common = given.common(),
                          .first = *first,
                          .second = *second,
                          .out = given.one("--out").value_or(""),
                          .formats = given.formats({"html", "svg", "png", "pdf"}, {"html"}, true),
                          .effect = given.one("--effect"),
                          .top = given.integer("--top", 0, 1'000'000).value_or(10)};
  }
  static Command completion(const Given& given) {
    const auto shell = given.one("SHELL");
    if (!shell) given.fail("no shell is named: bash, zsh or fish");
    return ShowCompletion{given.common(), *shell};
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
