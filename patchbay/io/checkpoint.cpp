// Finds the files of a checkpoint and the file of each tensor.
#include "patchbay/io/checkpoint.h"

#include <fmt/format.h>

#include <set>
#include <system_error>

#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"
#include "patchbay/io/json.h"
#include "patchbay/io/json_writer.h"

namespace patchbay {
namespace {

constexpr std::string_view kSingleFile = "model.safetensors";
constexpr std::string_view kIndexFile = "model.safetensors.index.json";

// Python objects in disguise: unpickling runs whatever code the file holds.
bool is_pickle(const std::filesystem::path& path) {
  const auto extension = path.extension();
  return extension == ".bin" || extension == ".pt" || extension == ".pth" || extension == ".ckpt" ||
         extension == ".pkl";
}

Error pickle_error(const std::filesystem::path& path) {
  return {ErrorKind::kNoInput, "checkpoint",
          fmt::format(
              "{}: is a pickle, which can run code and is not read; in Python, load the model with "
              "transformers' from_pretrained and write it with "
              "save_pretrained(folder, safe_serialization=True), then name that folder",
              path.string())};
}

// A shard's name comes from a file, so it may not lead out of the index's folder.
void check_shard_name(const std::string& name, const JsonValue& value) {
  const bool plain = name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos &&
                     name.find("..") == std::string::npos && name.ends_with(".safetensors") &&
                     name != ".safetensors";
  if (!plain) {
    throw value.error(
        fmt::format("names the file {}, but must name a .safetensors file in the "
                    "index's own folder, without any path",
                    json_quoted(name)));
  }
}

std::filesystem::path find_in_folder(const std::filesystem::path& folder) {
  std::error_code error;
  for (const std::string_view name : {kSingleFile, kIndexFile}) {
    if (std::filesystem::exists(folder / name, error)) return folder / name;
  }
  std::filesystem::directory_iterator entries(folder, error);
  if (error) {
    throw Error(ErrorKind::kNoInput, "checkpoint",
                fmt::format("{}: the folder cannot be read: {}; check who may use it",
                            folder.string(), error.message()));
  }
  std::set<std::filesystem::path> pickles;  // sorted: the message must not depend on the disk
  for (const auto& entry : entries) {
    if (is_pickle(entry.path())) pickles.insert(entry.path());
  }
  if (!pickles.empty()) throw pickle_error(*pickles.begin());
  throw Error(ErrorKind::kNoInput, "checkpoint",
              fmt::format("{}: the folder holds neither {} nor {}; name the folder of a checkpoint "
                          "or a .safetensors file",
                          folder.string(), kSingleFile, kIndexFile));
}

}  // namespace

Checkpoint open_checkpoint(const std::filesystem::path& path) {
  std::error_code error;
  const bool is_folder = std::filesystem::is_directory(path, error);
  const std::filesystem::path file = is_folder ? find_in_folder(path) : path;
  Checkpoint checkpoint(path.string());
  if (file.extension() == ".safetensors") {
    checkpoint.add(SafetensorsFile::open(file));
  } else if (file.string().ends_with(".index.json")) {
    checkpoint.open_index(file);
  } else if (is_pickle(file)) {
    throw pickle_error(file);
  } else if (!std::filesystem::exists(file, error)) {
    throw Error(ErrorKind::kNoInput, "checkpoint",
                fmt::format("{}: no such file or folder; check the spelling", file.string()));
  } else if (file.extension() == ".json") {
    throw Error(
        ErrorKind::kNoInput, "checkpoint",
        fmt::format("{}: is not the index of a checkpoint, whose name ends in .index.json; name "
                    "the folder or the .safetensors file",
                    file.string()));
  } else {
    throw Error(
        ErrorKind::kNoInput, "checkpoint",
        fmt::format("{}: is not a .safetensors file, an .index.json or a folder of them; name "
                    "one of these",
                    file.string()));
  }
  return checkpoint;
}

void Checkpoint::open_index(const std::filesystem::path& path) {
  const JsonDocument index = read_json_file(path, {.tag = "checkpoint"});
  const JsonValue& weight_map = index->at("weight_map");
  std::map<std::string, std::size_t> shards;  // file name → place in files_
  for (const auto& [name, value] : weight_map.members()) {
    const std::string& shard = value.as_string();
    check_shard_name(shard, value);
    if (shards.emplace(shard, files_.size()).second) {
      add(SafetensorsFile::open(path.parent_path() / shard));
    }
    if (files_[shards.at(shard)].find(name) == nullptr) {
      throw value.error(
          fmt::format("names the file {}, which has no such tensor", json_quoted(shard)));
    }
  }
  if (files_.empty()) throw weight_map.error("names no tensors");
}

void Checkpoint::add(SafetensorsFile file) {
  for (const TensorInfo& info : file.tensors()) {
    const auto [place, is_new] = owner_.emplace(info.name, files_.size());
    if (!is_new) {
      throw Error(ErrorKind::kBadData, "checkpoint",
                  fmt::format("{}: tensor {} is in {} too; fetch the checkpoint again", file.path(),
                              json_quoted(info.name), files_[place->second].path()));
    }
  }
  files_.push_back(std::move(file));
}

std::vector<std::string> Checkpoint::names() const {
  std::vector<std::string> names;
  for (const auto& [name, file] : owner_) names.push_back(name);
  return names;
}

const TensorInfo* Checkpoint::find(std::string_view name) const {
  const auto found = owner_.find(name);
  return found == owner_.end() ? nullptr : files_[found->second].find(name);
}

const SafetensorsFile& Checkpoint::file_with(std::string_view name) const {
  const auto found = owner_.find(name);
  if (found != owner_.end()) return files_[found->second];
  throw Error(ErrorKind::kBadData, "checkpoint",
              fmt::format("{}: tensor {} is missing{}", path_, json_quoted(name),
                          did_you_mean(name, names())));
}

Tensor Checkpoint::read(std::string_view name) const { return file_with(name).read(name); }
void Checkpoint::read_into(std::string_view name, TensorView out) const {
  file_with(name).read_into(name, out);
}
std::vector<double> Checkpoint::read_doubles(std::string_view name) const {
  return file_with(name).read_doubles(name);
}
std::vector<std::int64_t> Checkpoint::read_integers(std::string_view name) const {
  return file_with(name).read_integers(name);
}

}  // namespace patchbay
