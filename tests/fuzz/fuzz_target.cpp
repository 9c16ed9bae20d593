#include "tests/fuzz/fuzz_target.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace patchbay::fuzz {
namespace {

// The first that there is of: a file system in memory, the system's folder for temporary files.
std::filesystem::path parent_folder() {
  std::error_code ignored;
  const std::filesystem::path memory = "/dev/shm";
  return std::filesystem::is_directory(memory, ignored) ? memory
                                                        : std::filesystem::temp_directory_path();
}

class Folder {
 public:
  Folder() {
    std::string name = (parent_folder() / "patchbay-fuzz-XXXXXX").string();
    require(mkdtemp(name.data()) != nullptr, "there is a folder for temporary files");
    path = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::filesystem::path path;
};

void write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    require(count > 0, "a file in memory can be written");
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace

void require(bool holds, std::string_view promise) {
  if (!holds) throw std::logic_error("broken promise: " + std::string(promise));
}

std::filesystem::path memory_file(std::string_view bytes) {
  static const int kDescriptor = memfd_create("fuzz", MFD_CLOEXEC);
  require(kDescriptor >= 0, "there are files in memory");
  require(ftruncate(kDescriptor, 0) == 0 && lseek(kDescriptor, 0, SEEK_SET) == 0,
          "a file in memory can be emptied");
  write_all(kDescriptor, bytes);
  return "/proc/self/fd/" + std::to_string(kDescriptor);
}

const std::filesystem::path& folder() {
  static const Folder kFolder;
  return kFolder.path;
}

std::filesystem::path file_in_folder(std::string_view name, std::string_view bytes) {
  std::filesystem::path path = folder() / name;
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<std::string_view> parts(std::string_view data, std::size_t count) {
  constexpr std::string_view kLine = "\n---\n";
  std::vector<std::string_view> found;
  while (true) {
    const std::size_t end = data.find(kLine);
    found.push_back(data.substr(0, end));
    if (end == std::string_view::npos) break;
    data.remove_prefix(end + kLine.size());
  }
  found.resize(std::max(found.size(), count));
  return found;
}

}  // namespace patchbay::fuzz
