// A checkpoint: the tensors of one safetensors file, or of several that an index file joins.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/io/safetensors.h"

namespace patchbay {

/// Named tensors, wherever they are stored. The methods are const and may be called from several
/// threads; they mean what SafetensorsFile's methods of the same names do.
class Checkpoint {
 public:
  /// The file, index or folder that was opened.
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const std::vector<SafetensorsFile>& files() const { return files_; }
  /// All names, sorted.
  [[nodiscard]] std::vector<std::string> names() const;

  [[nodiscard]] const TensorInfo* find(std::string_view name) const;
  [[nodiscard]] Tensor read(std::string_view name) const;
  void read_into(std::string_view name, TensorView out) const;
  [[nodiscard]] std::vector<double> read_doubles(std::string_view name) const;
  [[nodiscard]] std::vector<std::int64_t> read_integers(std::string_view name) const;

 private:
  friend Checkpoint open_checkpoint(const std::filesystem::path& path);
  explicit Checkpoint(std::string path) : path_(std::move(path)) {}
  void open_index(const std::filesystem::path& path);
  void add(SafetensorsFile file);
  [[nodiscard]] const SafetensorsFile& file_with(std::string_view name) const;

  std::string path_;
  std::vector<SafetensorsFile> files_;
  std::map<std::string, std::size_t, std::less<>> owner_;  // name → place in files_
};

/// Opens a `.safetensors` file, an index such as `model.safetensors.index.json`, or a folder that
/// holds `model.safetensors` or that index. The files an index names must lie beside it, hold what
/// it says, and share no name. Throws kNoInput when nothing of the kind is there, with advice when
/// there are pickles (`pytorch_model.bin`, `.pt`), which are never read; kBadData for damaged
/// files.
Checkpoint open_checkpoint(const std::filesystem::path& path);

}  // namespace patchbay
