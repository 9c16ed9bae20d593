// patchbay cache: activations of one run, written to a file that numpy.load reads.
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/interruption.h"
#include "cli/model_source.h"
#include "cli/output.h"
#include "patchbay/base/version.h"
#include "patchbay/io/npy.h"
#include "patchbay/model/weight_processing.h"

namespace patchbay::cli {
namespace {

struct Written {
  std::string name;
  std::string axes;
  std::vector<std::int64_t> shape;
};

// Arrays are written one by one, and the file appears when all are there.
class Archive {
 public:
  explicit Archive(const std::string& path) : writer_(path) {}

  void add_tokens(const Prompt& tokens) {
    const std::vector<std::int64_t> values(tokens.begin(), tokens.end());
    const std::vector<std::int64_t> shape = {1, static_cast<std::int64_t>(values.size())};
    writer_.add("tokens", shape, values);
    written_.push_back({"tokens", "[batch, pos]", shape});
  }
  void add(const std::string& name, const std::string& axes, ConstTensorView values) {
    writer_.add(name, values);
    const auto extents = values.shape().extents();
    written_.push_back({name, axes, {extents.begin(), extents.end()}});
  }
  const std::vector<Written>& close() {
    check_interrupted();
    writer_.close();
    return written_;
  }

 private:
  NpzWriter writer_;
  std::vector<Written> written_;
};

std::string manifest(const CacheActivations& command, const HookedTransformer& model,
                     const TokenizedPrompt& prompt, const std::vector<Written>& written) {
  JsonWriter json;
  json.begin_object().member("patchbay", std::string_view(kVersion));
  json.member("model", model.cfg().model_name);
  write_strings(json, "weight_processing", names_of(model.weights().processing));
  write_prompt(json, prompt, model.has_tokenizer() ? &model.tokenizer() : nullptr);
  json.member("out", command.out).key("arrays").begin_array();
  for (const Written& array : written) {
    json.begin_object(JsonLayout::kInline).member("name", array.name).member("axes", array.axes);
    write_integers(json, "shape", array.shape);
    json.end_object();
  }
  return json.end_array().end_object().take();
}

}  // namespace

int run(const CacheActivations& command) {
  const InterruptibleContext ctx(command.common.threads);
  const NamesFilter keep(command.names);
  static_cast<void>(keep.resolve(config_of(command.model)));  // names first
  const HookedTransformer model = open_model(ctx, command.model, command.process);
  const TokenizedPrompt prompt =
      tokenize(command.prompt, model.has_tokenizer() ? &model.tokenizer() : nullptr, command.model);
  Archive archive(command.out);
  const Demand demand{.logits = command.logits ? Demand::At::kEverywhere : Demand::At::kNowhere};
  const auto [logits, cache] = model.run_with_cache(ctx, {prompt.tokens}, keep, {}, demand);
  archive.add_tokens(prompt.tokens);
  for (const auto& [name, activation] : cache.entries()) {
    archive.add(name.str(), name.axes(model.cfg()), activation);
  }
  if (command.logits) {
    const Shape shape = {1, logits.values.shape()[0], logits.values.shape()[1]};
    archive.add("logits", "[batch, pos, d_vocab]", logits.values.view().reshaped(shape));
  }
  const std::vector<Written>& written = archive.close();
  message(command.common, fmt::format("wrote {} arrays of {} to {}", written.size(),
                                      prompt.summary(), command.out));
  if (command.common.json) write_output(manifest(command, model, prompt, written));
  return 0;
}

}  // namespace patchbay::cli
