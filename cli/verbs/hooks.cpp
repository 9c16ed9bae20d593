// patchbay hooks: names, axes and shapes of the activations of a model.
#include "patchbay/hooks/hooks.h"

#include <fmt/format.h>

#include <limits>

#include "cli/options.h"
#include "cli/output.h"
#include "patchbay/base/error.h"
#include "patchbay/config/shared_heads.h"
#include "patchbay/hub/load_model.h"

namespace patchbay::cli::verbs {

const Verb& hooks();

namespace {

int run_given(const Given& given) {
  const std::string model = model_argument_of(given);
  const auto wanted = given.integer("--pos", 1, std::numeric_limits<std::int32_t>::max());
  const std::vector<std::string> patterns = given.list("--names");
  const HookedTransformerConfig cfg = hub::load_config(hub::find_model(model));
  const std::int64_t pos = wanted.value_or(cfg.n_ctx);
  if (pos > cfg.n_ctx) {
    throw Error(
        ErrorKind::kUsage, "--pos",
        fmt::format("{} is beyond the {} positions that {} reads", pos, cfg.n_ctx, cfg.model_name));
  }
  const NamesFilter filter = patterns.empty() ? NamesFilter::all() : NamesFilter(patterns);
  Table table({{"name"}, {"axes"}, {"shape"}});
  bool is_shared = false;
  JsonWriter json;
  json.begin_object().member("model", cfg.model_name).key("hooks").begin_array();
  for (const HookName& name : filter.resolve(cfg)) {
    const Shape shape = name.shape(cfg, 1, pos);
    table.add({name.str(), name.axes(cfg), shape.str()});
    is_shared = is_shared || name.axes(cfg).find("key_value_head") != std::string::npos;
    std::vector<std::string_view> axes;
    for (const Axis axis : info(name.point).axis_list()) axes.push_back(name_of(axis, cfg));
    json.begin_object(JsonLayout::kInline).member("name", name.str()).row("axes", axes);
    json.row("shape", shape.extents()).member("what", info(name.point).what).end_object();
  }
  json.end_array().end_object();
  write_output(given.flag("--json") ? json.take() : table.str());
  if (is_shared) message(shared_heads_text(cfg));
  return 0;
}

}  // namespace

const Verb& hooks() {
  static const Verb verb = {
      .place = 20,
      .path = "hooks",
      .what = "names and shapes of the activations of a model",
      .examples =
          "patchbay hooks tests/golden/tiny-gpt2\n"
          "patchbay hooks tests/golden/tiny-gpt2 --pos 14 --names 'blocks.0.attn.*'\n"
          "patchbay hooks tests/golden/tiny-gpt2 --names '*hook_resid_pre' --json",
      .options = together(
          {model_argument(),
           {{"--pos", "N", "shapes for prompts of N tokens (the most that the model reads)"}},
           names_option("only names that match")}),
      .run = run_given};
  return verb;
}

}  // namespace patchbay::cli::verbs
