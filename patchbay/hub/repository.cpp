// A repository on the hub, as its API describes it.
#include "patchbay/hub/repository.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"
#include "patchbay/hub/patience.h"
#include "patchbay/io/json.h"
#include "patchbay/io/json_writer.h"

namespace patchbay::hub {
namespace {

constexpr std::string_view kIndex = "model.safetensors.index.json";

Error not_there(const HttpClient& client, const ModelId& model, const HttpResponse& answer) {
  const std::string where = client.endpoint().origin();
  if (answer.header("x-error-code") == "RevisionNotFound") {
    return {ErrorKind::kNoInput, "hub",
            fmt::format("{} has no revision \"{}\" of {}; name a branch, a tag or a whole commit",
                        where, model.revision, model.id)};
  }
  std::vector<std::string> known;
  for (const KnownModel& one : known_models()) {
    known.emplace_back(one.name);
    known.emplace_back(one.id);
  }
  return {ErrorKind::kNoInput, "hub",
          fmt::format("{} shows no model {} (status {}){}; check the name; for a private or gated "
                      "model, ask for access at {}/{} and set HF_TOKEN",
                      where, model.id, answer.status, did_you_mean(model.id, known),
                      client.endpoint().text, model.id)};
}

Repository read_answer(const std::string& text, const std::string& where) {
  constexpr std::uint64_t kMostBytes = std::uint64_t{16} << 20;
  constexpr std::size_t kMostValues = 1'000'000;
  constexpr std::size_t kMostDepth = 32;
  const JsonDocument document = parse_json(
      text, where, {.max_bytes = kMostBytes, .max_depth = kMostDepth, .max_values = kMostValues});
  Repository repository;
  repository.commit = document->at("sha").as_string();
  if (!is_commit(repository.commit)) throw document->at("sha").error("is not a commit");
  for (const JsonValue& sibling : document->at("siblings").items()) {
    RepositoryFile file{.name = sibling.at("rfilename").as_string()};
    const JsonValue* bytes = sibling.find("size");
    if (bytes != nullptr && !bytes->is_null()) file.bytes = bytes->as_unsigned();
    repository.files.push_back(std::move(file));
  }
  return repository;
}

// Advice for what there is instead of safetensors.
std::string instead_of_weights(const Repository& repository, const ModelId& model) {
  const auto has = [&](std::string_view ending) {
    return std::ranges::any_of(repository.files,
                               [&](const auto& file) { return file.name.ends_with(ending); });
  };
  if (has(".bin") || has(".pt") || has(".pth") || has(".ckpt")) {
    return fmt::format(
        "has its weights as pickles only, which can run code and are never read; in Python, "
        "transformers.AutoModelForCausalLM.from_pretrained(\"{}\").save_pretrained(\"FOLDER\", "
        "safe_serialization=True) converts them, then name that FOLDER",
        model.id);
  }
  if (has(".gguf")) {
    return "has its weights as GGUF only; fetch one of those files and name it by its path";
  }
  return "has no model.safetensors; is it a language model?";
}

}  // namespace

const RepositoryFile* Repository::find(std::string_view name) const {
  const auto found = std::ranges::find(files, name, &RepositoryFile::name);
  return found == files.end() ? nullptr : &*found;
}

bool is_safe_file_name(std::string_view name) {
  constexpr std::size_t kLongest = 255;
  while (true) {
    const std::size_t slash = std::min(name.find('/'), name.size());
    const std::string_view part = name.substr(0, slash);
    const bool plain = std::ranges::all_of(part, [](char c) {
      return static_cast<unsigned char>(c) >= ' ' && c != '\x7f' && c != '\\' && c != ':';
    });
    if (part.empty() || part == "." || part == ".." || part.size() > kLongest || !plain) {
      return false;
    }
    if (slash == name.size()) return true;
    name.remove_prefix(slash + 1);
  }
}

Repository ask_repository(const RunContext& ctx, const Settings& settings, HttpClient& client,
                          const ModelId& model) {
  constexpr int kOk = 200;
  const Url url = client.address(
      fmt::format("/api/models/{}/revision/{}?blobs=true", model.id, url_escaped(model.revision)));
  const std::string what = fmt::format("the list of files of {}", model.id);
  const HttpResponse answer = ask_patiently(ctx, settings, client, {.url = url}, what);
  if (answer.status == 401 || answer.status == 403 || answer.status == 404) {
    throw not_there(client, model, answer);
  }
  if (answer.status != kOk || !answer.failure.empty()) {
    throw Error(ErrorKind::kNetwork, "hub",
                fmt::format("{}: {}; check the network and HF_ENDPOINT", what, failure_of(answer)));
  }
  Repository repository;
  try {
    repository = read_answer(answer.body, url.text);
  } catch (const Error& error) {
    throw Error(ErrorKind::kNetwork, "hub",
                fmt::format("{} gives an answer that the hub would not give: {}; check HF_ENDPOINT",
                            client.endpoint().origin(), error.what()));
  }
  for (const RepositoryFile& file : repository.files) {
    if (!is_safe_file_name(file.name)) {
      throw Error(
          ErrorKind::kBadData, "hub",
          fmt::format("{} lists a file {}, whose name would lead out of the model's folder, "
                      "so nothing of it is downloaded; do not trust this repository",
                      model.id, json_quoted(file.name)));
    }
  }
  return repository;
}

std::vector<RepositoryFile> choose_files(const Repository& repository, const ModelId& model) {
  const auto refuse = [&](const std::string& what) {
    return Error(ErrorKind::kBadData, "hub", fmt::format("{} {}", model.id, what));
  };
  std::vector<RepositoryFile> chosen;
  const auto choose = [&](std::string_view name) {
    const RepositoryFile* file = repository.find(name);
    if (file != nullptr) chosen.push_back(*file);
    return file != nullptr;
  };
  if (!choose("config.json")) {
    throw refuse("has no config.json, so its architecture is not known; is it a language model?");
  }
  choose("generation_config.json");
  choose("tokenizer_config.json");
  choose("special_tokens_map.json");
  if (!choose("tokenizer.json") && repository.find("merges.txt") != nullptr &&
      choose("vocab.json")) {
    choose("merges.txt");
  }
  if (!choose("model.safetensors") && !choose(kIndex)) {
    throw refuse(instead_of_weights(repository, model));
  }
  return chosen;
}

std::vector<std::string> read_shard_names(const std::filesystem::path& index) {
  const JsonDocument document = read_json_file(index);
  std::set<std::string> names;
  for (const JsonMember& member : document->at("weight_map").members()) {
    const std::string& name = member.value.as_string();
    if (!is_safe_file_name(name) || name.find('/') != std::string::npos ||
        !name.ends_with(".safetensors")) {
      throw member.value.error(
          "must name a .safetensors file in the index's own folder, without any path");
    }
    names.insert(name);
  }
  return {names.begin(), names.end()};
}

}  // namespace patchbay::hub
