// patchbay model list: the models that come with patchbay and those in the Hugging Face cache.
#include <fmt/format.h>

#include "cli/options.h"
#include "cli/output.h"
#include "patchbay/hub/list_models.h"

namespace patchbay::cli::verbs {

const Verb& model_list();

namespace {

using Models = std::vector<hub::ListedModel>;

std::string text_of(const Models& models) {
  constexpr std::size_t kShortCommit = 12;
  Table table({{"model"}, {"from"}, {"revision"}, {"bytes", Table::Align::kRight}});
  for (const hub::ListedModel& model : models) {
    table.add({model.name,
               fmt::format("{}{}", name_of(model.source), model.complete ? "" : ", incomplete"),
               model.commit.substr(0, kShortCommit), with_commas(model.bytes)});
  }
  return table.str();
}

std::string json_of(const std::filesystem::path& cache, const Models& models) {
  JsonWriter json;
  json.begin_object().member("cache", cache.string()).key("shipped").begin_array();
  for (const hub::ListedModel& model : models) {
    if (model.source != hub::ModelSource::kShipped) continue;
    json.begin_object(JsonLayout::kInline).member("model", model.name);
    json.member("path", model.folder.string()).member("bytes", model.bytes).end_object();
  }
  json.end_array().key("cached").begin_array();
  for (const hub::ListedModel& model : models) {
    if (model.source != hub::ModelSource::kCache) continue;
    json.begin_object(JsonLayout::kInline).member("model", model.name);
    json.member("id", model.id).member("commit", model.commit).row("refs", model.refs);
    json.member("path", model.folder.string()).member("bytes", model.bytes);
    json.member("complete", model.complete).end_object();
  }
  return json.end_array().end_object().take();
}

int run_given(const Given& given) {
  const hub::Settings settings = hub::settings_from();
  const Models models = hub::list_models(settings);
  const bool as_json = given.flag("--json");
  if (!as_json) message(fmt::format("cache: {}", settings.cache.string()));
  write_output(as_json ? json_of(settings.cache, models) : text_of(models));
  return 0;
}

}  // namespace

const Verb& model_list() {
  static const Verb verb = {.place = 13,
                            .path = "model list",
                            .what = "the models that can be named without a download",
                            .examples = "patchbay model list\npatchbay model list --json",
                            .run = run_given};
  return verb;
}

}  // namespace patchbay::cli::verbs
