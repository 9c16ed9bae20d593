// What one verb's arguments were, read from text with errors that say what to type instead.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/option_values.h"
#include "cli/output.h"
#include "cli/task_options.h"
#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"
#include "patchbay/model/weight_processing.h"

namespace patchbay::cli {

/// "patchbay model info"
inline std::string path_of(const CLI::App* app) {
  if (app->get_parent() == nullptr) return "patchbay";
  return path_of(app->get_parent()) + " " + app->get_name();
}

/// Throws kUsage for whatever is not as it should be.
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
            .quiet = flag("--quiet"),
            .timeout = timeout(),
            .colour = colour(),
            .target = one("--target").value_or("")};
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
    if (flag("--bos") && flag("--no-bos")) fail("--bos and --no-bos exclude each other; keep one");
    if (flag("--bos") || flag("--no-bos")) prompt.bos = flag("--bos");
    prompt.special = flag("--special");
    if (prompt.tokens && (prompt.bos || prompt.special)) {
      fail("--tokens are taken as they are; leave --bos, --no-bos and --special away");
    }
    return prompt;
  }
  [[nodiscard]] runs::TaskChoice task(const std::string& option) const {
    const auto name = one(option);
    if (!name) fail("no task is given; patchbay task list shows them");
    return {*name, read_task_options([&](const TaskOption& known) -> std::optional<std::string> {
              if (*known.type != '\0') return one(known.name);
              return flag(known.name) ? std::optional<std::string>("") : std::nullopt;
            })};
  }
  /// "2/5"; nothing when it is not said. Throws kUsage without a place for what is written.
  [[nodiscard]] std::optional<Shard> shard(const std::vector<std::string>& formats) const {
    const auto text = one("--shard");
    if (!text) return std::nullopt;
    if (!flag("--out")) fail("--shard writes its part to a folder; add --out DIR");
    if (std::ranges::find(formats, "json") == formats.end()) {
      fail("--shard hands finished experiments on as json; add it to --format");
    }
    return read_shard("--shard", *text);
  }
  [[nodiscard]] std::int64_t max_memory() const {
    const auto size = one("--max-memory");
    return size ? read_bytes("--max-memory", *size) : RunOptions::kDefaultMemory;
  }
  /// Those of `known` that were asked for, `fallback` when nothing is said. Throws kUsage with the
  /// nearest name, and when files are asked for without a place for them, where one is needed.
  [[nodiscard]] std::vector<std::string> formats(const std::vector<std::string>& known,
                                                 std::vector<std::string> fallback,
                                                 bool needs_out) const {
    const auto text = one("--format");
    if (!text) return fallback;
    if (needs_out && !flag("--out")) fail("--format says which files to write; add --out DIR");
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
  [[nodiscard]] double timeout() const {
    const auto text = one("--timeout");
    return text ? read_seconds("--timeout", *text) : 0.0;
  }
  [[nodiscard]] ColourChoice colour() const {
    static const std::map<std::string, ColourChoice> kChoices = {
        {"auto", ColourChoice::kAuto},   {"always", ColourChoice::kAlways},
        {"never", ColourChoice::kNever}, {"16", ColourChoice::k16},
        {"256", ColourChoice::k256},     {"truecolor", ColourChoice::k24Bit}};
    const auto text = one("--color");
    if (!text) return ColourChoice::kAuto;
    const auto found = kChoices.find(*text);
    if (found == kChoices.end()) {
      fail(fmt::format("--color is auto, always, never, 16, 256 or truecolor, not {}",
                       quote(*text)));
    }
    return found->second;
  }

  const CLI::App& app_;
};

}  // namespace patchbay::cli
