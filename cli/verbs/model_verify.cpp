// patchbay model verify: a model's files, compared with the digests that name them.
#include <fmt/format.h>

#include "cli/interruption.h"
#include "cli/options.h"
#include "cli/output.h"
#include "patchbay/hub/verify.h"

namespace patchbay::cli::verbs {

const Verb& model_verify();

namespace {

std::string text_of(const hub::FoundModel& model, const hub::Verification& found) {
  Table table({{"file"}, {"bytes", Table::Align::kRight}, {"digest"}, {"result"}});
  for (const hub::FileCheck& check : found.files) {
    table.add({check.file, with_commas(check.bytes), check.kind,
               fmt::format("{}{}{}", name_of(check.state), check.problem.empty() ? "" : ": ",
                           check.problem)});
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
  json.begin_object().member("good", found.good()).member("path", model.path.string());
  json.member("source", name_of(model.source)).text_or_null("id", model.id);
  json.text_or_null("commit", model.commit).key("files").begin_array();
  for (const hub::FileCheck& check : found.files) {
    json.begin_object(JsonLayout::kInline).member("file", check.file);
    json.member("bytes", check.bytes).member("result", name_of(check.state));
    json.text_or_null("kind", check.kind).text_or_null("expected", check.expected);
    json.text_or_null("found", check.found).text_or_null("problem", check.problem).end_object();
  }
  json.end_array().member("n_tensors", found.n_tensors);
  return json.text_or_null("structure_problem", found.structure_problem).end_object().take();
}

int run_given(const Given& given) {
  const std::string name = model_argument_of(given);
  const InterruptibleContext ctx(1);
  const hub::FoundModel model = hub::find_model(name);
  const hub::Verification found = hub::verify_model(ctx, model);
  write_output((given.flag("--json") ? json_of : text_of)(model, found));
  return found.good() ? 0 : 1;
}

}  // namespace

const Verb& model_verify() {
  static const Verb verb = {.place = 14,
                            .path = "model verify",
                            .what = "compare a model's files with their digests",
                            .examples =
                                "patchbay model verify tests/golden/tiny-gpt2\n"
                                "patchbay model verify tests/golden/tiny-gpt2 --json",
                            .options = model_argument(),
                            .run = run_given};
  return verb;
}

}  // namespace patchbay::cli::verbs
