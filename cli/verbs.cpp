#include "cli/verbs.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/task_options.h"
#include "patchbay/base/error.h"
#include "patchbay/experiments/experiment.h"

namespace patchbay::cli {
namespace {

using Verbs = std::deque<VerbSpec>;

VerbSpec& verb(Verbs& verbs, const char* path, const char* what, const char* examples) {
  return verbs.emplace_back(VerbSpec{path, what, examples});
}

void option(VerbSpec& app, const std::string& names, const char* type, const std::string& what) {
  app.options.push_back({names, type, what});
}

void flag(VerbSpec& app, const char* names, const std::string& what) {
  app.options.push_back({names, "", what});
}

void common(VerbSpec& app) {
  flag(app, "--json", "write JSON");
  option(app, "--threads", "N", "use N threads (all processors); results are the same");
  flag(app, "-q,--quiet", "no messages on standard error except errors");
  option(app, "--timeout", "TIME", "stop in good order after so many seconds, or 10m, 2h");
  option(app, "--color", "WHEN", "auto, always, never, 16, 256 or truecolor (auto)");
  option(app, "--target", "NAME",
         "use this instruction set (the best); doctor lists them, results are the same");
}
void model(VerbSpec& app) {
  option(app, "-m,--model", "PATH",
         "a name (ioi-small, gpt2, ORG/NAME), a folder in Hugging Face layout, or a .safetensors "
         "or .gguf file");
}
void prompt(VerbSpec& app) {
  option(app, "TEXT", "", "the prompt; - reads standard input, as it is");
  option(app, "--tokens", "IDS", "the prompt as token ids, such as 1,2,3");
  flag(app, "--bos", "begin with the token of the beginning (when the tokenizer has one)");
  flag(app, "--no-bos", "begin with the text");
  flag(app, "--special", "read <|endoftext|> and its like in the text as one token");
}
void task(VerbSpec& app) {
  for (const TaskOption& known : task_options()) {
    if (*known.type == '\0') {
      flag(app, known.name, known.what);
    } else {
      option(app, known.name, known.type, known.what);
    }
  }
}
void shard(VerbSpec& app) {
  option(app, "--shard", "I/N", "do the I-th of N parts; patchbay merge DIR puts them together");
}
void process(VerbSpec& app) {
  option(app, "--process", "LIST",
         "rewrite the weights first: fold_layer_norm, center_writing_weights, center_unembed, "
         "fold_value_biases, or all");
}

void add_model(Verbs& verbs) {
  verb(verbs, "model", "look at a model, fetch it, check it",
       "patchbay model info tests/golden/tiny-gpt2\npatchbay model list");
  VerbSpec& model_info = verb(verbs, "model info", "sizes, weights and tokenizer of a model",
                              "patchbay model info tests/golden/tiny-gpt2\n"
                              "patchbay model info --json tests/golden/tiny-gpt2");
  option(model_info, "PATH", "", "the model, as for --model");
  model(model_info);
  common(model_info);
  VerbSpec& model_pull = verb(verbs, "model pull", "download a model into the Hugging Face cache",
                              "patchbay model pull gpt2\n"
                              "patchbay model pull HuggingFaceTB/SmolLM2-135M --revision main\n"
                              "patchbay model pull gpt2 --quiet --json");
  option(model_pull, "NAME", "", "a short name such as gpt2, or ORG/NAME");
  option(model_pull, "--revision", "REV", "a branch, a tag or a commit (main)");
  common(model_pull);
  VerbSpec& model_list =
      verb(verbs, "model list", "the models that can be named without a download",
           "patchbay model list\npatchbay model list --json");
  common(model_list);
  VerbSpec& model_verify = verb(verbs, "model verify", "compare a model's files with their digests",
                                "patchbay model verify tests/golden/tiny-gpt2\n"
                                "patchbay model verify tests/golden/tiny-gpt2 --json");
  option(model_verify, "PATH", "", "the model, as for --model");
  model(model_verify);
  common(model_verify);
}
void add_hooks(Verbs& verbs) {
  VerbSpec& hooks =
      verb(verbs, "hooks", "names and shapes of the activations of a model",
           "patchbay hooks tests/golden/tiny-gpt2\n"
           "patchbay hooks tests/golden/tiny-gpt2 --pos 14 --names 'blocks.0.attn.*'\n"
           "patchbay hooks tests/golden/tiny-gpt2 --names '*hook_resid_pre' --json");
  option(hooks, "PATH", "", "the model, as for --model");
  model(hooks);
  option(hooks, "--pos", "N", "shapes for prompts of N tokens (the most that the model reads)");
  option(hooks, "--names", "GLOB", "only names that match; * stands for anything; repeatable");
  common(hooks);
}
void add_tokens(Verbs& verbs) {
  VerbSpec& tokens =
      verb(verbs, "tokens", "the tokens of a text",
           "patchbay tokens --model tests/golden/tiny-gpt2 \"When Mary and John\"\n"
           "patchbay tokens --model tests/golden/tiny-gpt2 --single \" the\"\n"
           "printf 'Mary and\\nJohn' | patchbay tokens --model tests/golden/tiny-gpt2 "
           "--no-bos --json -");
  prompt(tokens);
  flag(tokens, "--single", "the one token that the text is, without BOS; else an error");
  model(tokens);
  common(tokens);
}
void add_predict(Verbs& verbs) {
  VerbSpec& predict =
      verb(verbs, "predict", "the most likely next tokens after a prompt",
           "patchbay predict --model tests/golden/tiny-gpt2 \"When Mary and John went to the\"\n"
           "patchbay predict --model tests/golden/tiny-gpt2 --top-k 3 --answer \" in\" --answer "
           "\" of\" \"Mary and John went\"\n"
           "patchbay predict --model tests/golden/tiny-gpt2 --generate 8 \"Mary went to the\"\n"
           "patchbay predict --model tests/golden/tiny-gpt2 --tokens 299,262,290 --process all "
           "--json");
  prompt(predict);
  option(predict, "-k,--top-k", "N", "how many tokens to list (10)");
  option(predict, "--answer", "TOKEN", "logit, probability and rank of this token; repeatable");
  option(predict, "--generate", "N",
         "print the N most likely tokens that follow, one after the other, as text");
  process(predict);
  model(predict);
  common(predict);
}
void add_cache(Verbs& verbs) {
  VerbSpec& cache =
      verb(verbs, "cache", "write activations of a run to a file that numpy reads",
           "patchbay cache --model tests/golden/tiny-gpt2 \"When Mary and John went\" --names "
           "'blocks.*.attn.hook_pattern' --out patterns.npz\n"
           "patchbay cache --model tests/golden/tiny-gpt2 --tokens 299,262,290 --names "
           "'*hook_resid_post' --names ln_final.hook_normalized --logits --json --out stream.npz");
  prompt(cache);
  option(cache, "--names", "GLOB", "which activations; * stands for anything; repeatable");
  option(cache, "-o,--out", "FILE", "the .npz file to write");
  flag(cache, "--logits", "write the logits of every position too");
  process(cache);
  model(cache);
  common(cache);
}

void add_task(Verbs& verbs) {
  verb(verbs, "task", "the prompts that experiments run",
       "patchbay task list\npatchbay task show ioi_lab --prompts 2");
  VerbSpec& task_list = verb(verbs, "task list", "the tasks, their corruptions and their defaults",
                             "patchbay task list\npatchbay task list --json");
  common(task_list);
  VerbSpec& task_show =
      verb(verbs, "task show", "the prompts of a task, as a model reads them",
           "patchbay task show ioi_lab --prompts 2\n"
           "patchbay task show ioi --prompt-type ABBA --corruption 'S2->IO' --seed 7 "
           "--prompts 3 --bos --json\n"
           "patchbay task show induction --model tests/golden/tiny-gpt2 --prompts 1");
  option(task_show, "NAME", "", "a task such as ioi, or file:PATH with pairs of your own");
  model(task_show);
  task(task_show);
  common(task_show);
}

void add_run(Verbs& verbs) {
  VerbSpec& run =
      verb(verbs, "run", "an experiment on the prompts of a task",
           "patchbay run activation_patching --task ioi --prompts 20\n"
           "patchbay run activation_patching --model ioi-small --task ioi --prompts 20 --seed 1 "
           "--site z --axes layer,head --direction noise --metric logit_diff --out results\n"
           "patchbay run accuracy --task ioi_lab --prompts 10");
  std::string names;
  for (const experiments::Experiment* experiment : experiments::all()) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", experiment->name);
  }
  option(run, "EXPERIMENT", "", names);
  option(run, "--task", "NAME", "the prompts: a task such as ioi, or file:PATH");
  task(run);
  model(run);
  process(run);
  option(run, "-o,--out", "DIR", "write DIR/EXPERIMENT.json");
  option(run, "--format", "LIST",
         "the files to write: json, csv, npz, and pictures as svg, png, pdf (json)");
  option(run, "--max-memory", "SIZE",
         "what activations may take beside the model, such as 512M or 2G (1G)");
  option(run, "--top", "N", "how many of the largest effects to list (10)");
  shard(run);
  const auto own = static_cast<std::ptrdiff_t>(run.options.size());
  for (const experiments::Experiment* experiment : experiments::all()) {
    for (const experiments::Field& field : experiment->fields) {
      const std::string name = fmt::format("--{}", field.name);
      const auto known = std::ranges::find(run.options, name, &OptionSpec::names);
      if (known - run.options.begin() < own) {  // an experiment would take it from all the others
        throw Error(ErrorKind::kInternal, experiment->name,
                    fmt::format("the command itself has an option {}; please report this", name));
      }
      if (known != run.options.end()) continue;
      option(run, name, "VALUE",
             fmt::format("{}{}", field.what,
                         field.fallback.empty() ? "" : fmt::format(" ({})", field.fallback)));
    }
  }
  common(run);
}

void add_study(Verbs& verbs) {
  VerbSpec& study = verb(verbs, "study", "every experiment of a study file",
                         "patchbay study --list\n"
                         "patchbay study figure_3b\n"
                         "patchbay study ioi_lab --model ioi-small --out results");
  option(study, "STUDY", "", "the name of a study that comes with patchbay, or a .toml file");
  flag(study, "--list", "the studies that come with patchbay");
  model(study);
  option(study, "-o,--out", "DIR", "write a result file for every experiment, and report.html");
  option(study, "--format", "LIST",
         "the files to write: json, csv, npz, pictures as svg, png, pdf, and html (json,html)");
  option(study, "--max-memory", "SIZE",
         "what activations may take beside the model, such as 512M or 2G (1G)");
  shard(study);
  common(study);
}

void add_merge(Verbs& verbs) {
  VerbSpec& merge = verb(verbs, "merge", "put the shards of a run or study together",
                         "patchbay study figure_3b --shard 1/1 --out sharded && "
                         "patchbay merge sharded");
  option(merge, "DIR", "", "the folder that all shards were given as --out");
  common(merge);
}

void add_report(Verbs& verbs) {
  VerbSpec& report = verb(
      verbs, "report", "draw result files: one HTML page, or pictures",
      "patchbay report tests/golden/report/heads.json\n"
      "patchbay report tests/golden/report/heads.json --format svg,png --out pictures\n"
      "patchbay report tests/golden/report/heads.json --format text\n"
      "patchbay report tests/golden/report/heads.json --figure heat_map --effect percent_of_clean "
      "--circuit \"mover: 2.1 1.2\" --format svg --out pictures");
  option(report, "FILE", "…", "result files, or folders of them such as a study's");
  option(report, "-o,--out", "PATH", "a file that ends in .html, or a folder (report.html)");
  option(report, "--format", "LIST", "html, svg, png, pdf, or text for the terminal (html)");
  option(report, "--figure", "NAME", "this picture alone; patchbay help figures lists them");
  option(report, "--effect", "KIND", "instead of the result's own; patchbay help effects");
  option(report, "--circuit", "CIRCUIT", "circle these heads; patchbay help circuits");
  option(report, "--title", "TEXT", "the title of the page or of the pictures");
  common(report);
}

void add_compare(Verbs& verbs) {
  VerbSpec& compare =
      verb(verbs, "compare", "two results side by side, and their difference",
           "patchbay compare tests/golden/report/heads.json tests/golden/report/heads_bos.json\n"
           "patchbay compare tests/golden/report/heads.json tests/golden/report/heads_bos.json "
           "--effect raw --out compare.html");
  option(compare, "FIRST", "", "a result file");
  option(compare, "SECOND", "", "another of the same kind: of another model, corruption or BOS");
  option(compare, "--effect", "KIND", "what is compared (the first result's own)");
  option(compare, "-o,--out", "PATH", "a file that ends in .html, or a folder");
  option(compare, "--format", "LIST", "the files to write: html, svg, png, pdf (html)");
  option(compare, "--top", "N", "how many of the largest differences to list (10)");
  common(compare);
}

void add_help(Verbs& verbs) {
  VerbSpec& help = verb(verbs, "help", "a topic or a command, explained",
                        "patchbay help\npatchbay help effects\npatchbay help task show");
  option(help, "TOPIC", "…", "a topic, or the words of a command; without it all of them");
  common(help);
  VerbSpec& manual =
      verb(verbs, "man", "a command's page for man", "patchbay man run\npatchbay man --out man1");
  option(manual, "COMMAND", "…", "the words of a command; without them patchbay's own page");
  option(manual, "-o,--out", "DIR", "write the pages of all commands");
  common(manual);
  VerbSpec& completion =
      verb(verbs, "completion", "what a shell needs to complete patchbay's words",
           "patchbay completion bash\npatchbay completion zsh\npatchbay completion fish");
  option(completion, "SHELL", "", "bash, zsh or fish");
  common(completion);
}

}  // namespace

std::deque<VerbSpec> verbs() {
  Verbs verbs;
  VerbSpec& whole =
      verb(verbs, "", "finds and verifies circuits inside transformers",
           "patchbay model info tests/golden/tiny-gpt2\n"
           "patchbay predict --model tests/golden/tiny-gpt2 \"When Mary and John went to the\"\n"
           "patchbay doctor");
  flag(whole, "--version", "print the version");
  add_model(verbs);
  add_hooks(verbs);
  add_tokens(verbs);
  add_predict(verbs);
  add_cache(verbs);
  add_task(verbs);
  add_run(verbs);
  add_study(verbs);
  add_merge(verbs);
  add_report(verbs);
  add_compare(verbs);
  add_help(verbs);
  common(verb(verbs, "doctor", "check the arithmetic of this machine, in some 50 ms",
              "patchbay doctor\npatchbay doctor --json"));
  return verbs;
}

}  // namespace patchbay::cli
