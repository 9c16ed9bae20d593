// patchbay model pull: a model, downloaded into the Hugging Face cache.
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/interruption.h"
#include "cli/output.h"
#include "cli/transfer_display.h"
#include "patchbay/base/error.h"
#include "patchbay/hub/pull.h"

namespace patchbay::cli {
namespace {

hub::ModelId model_of(const PullModel& command) {
  auto model = hub::read_model_id(command.model);
  if (!model) {
    throw Error(ErrorKind::kUsage, "model",
                fmt::format("{} is no name of a model on the hub; name one as gpt2 or ORG/NAME",
                            quote(command.model)));
  }
  if (!command.revision) return *model;
  if (command.model.find('@') != std::string::npos) {
    throw Error(ErrorKind::kUsage, "--revision", "the revision is given twice; keep one");
  }
  if (!hub::is_revision(*command.revision)) {
    throw Error(ErrorKind::kUsage, "--revision",
                fmt::format("{} is no branch, tag or commit; main is what is meant without it",
                            quote(*command.revision)));
  }
  model->revision = *command.revision;
  return *model;
}

std::string json_of(const hub::PulledModel& pulled) {
  JsonWriter json;
  json.begin_object().member("model", pulled.model.name).member("id", pulled.model.id);
  json.member("revision", pulled.model.revision).member("commit", pulled.commit);
  json.member("path", pulled.folder.string()).key("files").begin_array();
  for (const hub::PulledFile& file : pulled.files) {
    json.begin_object(JsonLayout::kInline).member("file", file.name);
    json.member("bytes", file.bytes).key("digest");
    file.digest.empty() ? json.null() : json.value(file.digest);
    json.member("downloaded", file.downloaded).end_object();
  }
  return json.end_array().end_object().take();
}

std::string summary_of(const hub::PulledModel& pulled) {
  std::size_t files = 0;
  std::uint64_t bytes = 0;
  for (const hub::PulledFile& file : pulled.files) {
    if (!file.downloaded) continue;
    ++files;
    bytes += file.bytes;
  }
  const std::string what = fmt::format("{} at {}", pulled.model.id, pulled.commit);
  if (files == 0) return fmt::format("{}: everything was there", what);
  return fmt::format("{}: {} of {} files downloaded, {}", what, files, pulled.files.size(),
                     megabytes(bytes));
}

}  // namespace

int run(const PullModel& command) {
  const hub::ModelId model = model_of(command);
  const InterruptibleContext ctx(1);
  TransferDisplay display(command.common);
  const hub::Observer observer{
      .note = [&](const std::string& sentence) { display.note(sentence); },
      .progress = [&](const hub::FileProgress& progress) { display.show(progress); }};
  const hub::PulledModel pulled = hub::pull_model(ctx, hub::settings_from(), model, observer);
  display.clear();
  message(command.common, summary_of(pulled));
  write_output(command.common.json ? json_of(pulled) : pulled.folder.string() + "\n");
  return 0;
}

}  // namespace patchbay::cli
