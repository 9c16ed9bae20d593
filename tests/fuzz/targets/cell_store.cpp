// The file of finished values, which a disk or a person may have damaged.
#include "patchbay/results/cell_store.h"

#include "tests/fuzz/fuzz_target.h"

using namespace patchbay;
using namespace patchbay::fuzz;

void fuzz_cell_store(std::string_view data);

void fuzz_cell_store(std::string_view data) {
  const std::filesystem::path path = file_in_folder("run.partial", data);
  std::optional<CellStore::Content> content;
  accepts([&] { content = CellStore::read(path); });
  accepts([&] {
    const std::string scope = content ? content->scope : "another run";
    CellStore store(path, scope);
    require(!content || store.size() == static_cast<std::int64_t>(content->cells.size()),
            "both ways to read a file believe the same records");
    const CellKey fresh = KeyMaker().add("a cell that nobody asks for").key();
    if (store.find(fresh)) return;
    store.add(fresh, 0.5);
    require(CellStore::read(path).cells.size() == static_cast<std::size_t>(store.size()),
            "an added record is there");
  });
}
