// patchbay hooks: names, axes and shapes of the activations of a model.
#include "patchbay/hooks/hooks.h"

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/model_source.h"
#include "cli/output.h"
#include "patchbay/base/error.h"

namespace patchbay::cli {

int run(const ListHooks& command) {
  const HookedTransformerConfig cfg = config_of(command.model);
  const std::int64_t pos = command.pos.value_or(cfg.n_ctx);
  if (pos > cfg.n_ctx) {
    throw Error(
        ErrorKind::kUsage, "--pos",
        fmt::format("{} is beyond the {} positions that {} reads", pos, cfg.n_ctx, cfg.model_name));
  }
  const NamesFilter filter =
      command.names.empty() ? NamesFilter::all() : NamesFilter(command.names);
  const std::vector<HookName> names = filter.resolve(cfg);
  if (!command.common.json) {
    Table table({{"name"}, {"axes"}, {"shape"}});
    for (const HookName& name : names) {
      table.add({name.str(), name.axes(cfg), name.shape(cfg, 1, pos).str()});
    }
    write_output(table.str());
    return 0;
  }
  JsonWriter json;
  json.begin_object().member("model", cfg.model_name).key("hooks").begin_array();
  for (const HookName& name : names) {
    json.begin_object(JsonLayout::kInline).member("name", name.str()).key("axes").begin_array();
    for (const Axis axis : info(name.point).axis_list()) json.value(name_of(axis, cfg));
    json.end_array();
    write_integers(json, "shape", name.shape(cfg, 1, pos).extents());
    json.member("what", info(name.point).what).end_object();
  }
  write_output(json.end_array().end_object().take());
  return 0;
}

}  // namespace patchbay::cli
