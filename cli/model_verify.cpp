// patchbay model verify: a model's files, compared with the digests that name them.
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/interruption.h"
#include "cli/model_source.h"
#include "cli/output.h"
#include "patchbay/hub/verify.h"

namespace patchbay::cli {
namespace {

std::string_view word_for(hub::FileCheck::State state) {
  switch (state) {
    case hub::FileCheck::State::kGood:
      return "good";
    case hub::FileCheck::State::kUnknown:
      return "no digest";
    case hub::FileCheck::State::kBad:
      return "BAD";
    default:
      return "UNREADABLE";
  }
}

std::string text_of(const hub::FoundModel& model, const hub::Verification& found) {
  Table table({{"file"}, {"bytes", Table::Align::kRight}, {"digest"}, {"result"}});
  for (const hub::FileCheck& check : found.files) {
    const std::string_view result = word_for(check.state);
    table.add({check.file, with_commas(static_cast<std::int64_t>(check.bytes)), check.kind,
               check.problem.empty() ? std::string(result)
                                     : fmt::format("{}: {}", result, check.problem)});
  }
  std::string text = table.str();
  text += found.structure_problem.empty()
              ? fmt::format("\nThe headers of {} tensors are sound.\n", found.n_tensors)
              : fmt::format("\nBAD: {}\n", found.structure_problem);
  return text + fmt::format("{}: {}\n", model.path.string(),
                            found.good() ? "good" : "damaged; do not use it");
}

std::string json_of(const hub::FoundModel& model, const hub::Verification& found) {
  JsonWriter json;
  const auto text = [&json](std::string_view name, const std::string& value) {
    json.key(name);
    value.empty() ? json.null() : json.value(value);
  };
  json.begin_object().member("good", found.good()).member("path", model.path.string());
  json.member("source", hub::name_of(model.source));
  text("id", model.id);
  text("commit", model.commit);
  json.key("files").begin_array();
  for (const hub::FileCheck& check : found.files) {
    json.begin_object(JsonLayout::kInline).member("file", check.file);
    json.member("bytes", check.bytes).member("result", word_for(check.state));
    text("kind", check.kind);
    text("expected", check.expected);
    text("found", check.found);
    text("problem", check.problem);
    json.end_object();
  }
  json.end_array().member("n_tensors", found.n_tensors);
  text("structure_problem", found.structure_problem);
  return json.end_object().take();
}

}  // namespace

int run(const VerifyModel& command) {
  const InterruptibleContext ctx(1);
  const hub::FoundModel model = locate_model(command.model);
  const hub::Verification found = hub::verify_model(ctx, model);
  write_output((command.common.json ? json_of : text_of)(model, found));
  return found.good() ? 0 : 1;
}

}  // namespace patchbay::cli
