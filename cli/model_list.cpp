// patchbay model list: the models that come with patchbay and those in the Hugging Face cache.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "cli/commands.h"
#include "cli/output.h"
#include "patchbay/hub/cache.h"
#include "patchbay/hub/environment.h"
#include "patchbay/hub/shipped.h"

namespace patchbay::cli {
namespace {

std::uint64_t bytes_in(const std::filesystem::path& folder) {
  std::uint64_t bytes = 0;
  for (const hub::SnapshotFile& file : hub::list_files(folder)) {
    std::error_code error;
    const std::uint64_t size = std::filesystem::file_size(file.path, error);
    if (!error) bytes += size;
  }
  return bytes;
}

// What --model takes for this snapshot: the id alone, where it stands for the revision main.
std::string name_of(const hub::CachedModel& model) {
  const auto& refs = model.refs;
  const hub::Snapshot& snapshot = model.snapshot;
  if (std::ranges::find(refs, "main") != refs.end()) return snapshot.id;
  return fmt::format("{}@{}", snapshot.id, refs.empty() ? snapshot.commit : refs.front());
}

std::string text_of(const std::vector<hub::ShippedModel>& shipped,
                    const std::vector<hub::CachedModel>& cached) {
  Table table({{"model"}, {"from"}, {"revision"}, {"bytes", Table::Align::kRight}});
  const auto number = [](std::uint64_t bytes) {
    return with_commas(static_cast<std::int64_t>(bytes));
  };
  for (const hub::ShippedModel& model : shipped) {
    table.add({model.name, "shipped", "", number(bytes_in(model.folder))});
  }
  constexpr std::size_t kShortCommit = 12;
  for (const hub::CachedModel& model : cached) {
    table.add({name_of(model), model.complete ? "cache" : "cache, incomplete",
               model.snapshot.commit.substr(0, kShortCommit), number(model.bytes)});
  }
  return table.str();
}

std::string json_of(const hub::Settings& settings, const std::vector<hub::ShippedModel>& shipped,
                    const std::vector<hub::CachedModel>& cached) {
  JsonWriter json;
  json.begin_object().member("cache", settings.cache.string());
  json.key("shipped").begin_array();
  for (const hub::ShippedModel& model : shipped) {
    json.begin_object(JsonLayout::kInline).member("model", model.name);
    json.member("path", model.folder.string()).member("bytes", bytes_in(model.folder));
    json.end_object();
  }
  json.end_array().key("cached").begin_array();
  for (const hub::CachedModel& model : cached) {
    json.begin_object(JsonLayout::kInline).member("model", name_of(model));
    json.member("id", model.snapshot.id).member("commit", model.snapshot.commit);
    write_strings(json, "refs", model.refs);
    json.member("path", model.snapshot.folder.string()).member("bytes", model.bytes);
    json.member("complete", model.complete).end_object();
  }
  return json.end_array().end_object().take();
}

}  // namespace

int run(const ListModels& command) {
  const hub::Settings settings = hub::settings_from();
  const auto shipped = hub::list_shipped(settings.model_folders);
  const auto cached = hub::list_cached(settings.cache);
  if (command.common.json) {
    write_output(json_of(settings, shipped, cached));
    return 0;
  }
  message(command.common, fmt::format("cache: {}", settings.cache.string()));
  write_output(text_of(shipped, cached));
  return 0;
}

}  // namespace patchbay::cli
