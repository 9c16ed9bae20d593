// The journal of an interrupted run, which a disk or a person may have damaged.
#include "patchbay/results/journal.h"

#include "tests/fuzz/fuzz_target.h"

using namespace patchbay;
using namespace patchbay::fuzz;

void fuzz_journal(std::string_view data);

void fuzz_journal(std::string_view data) {
  const std::filesystem::path path = file_in_folder("run.partial", data);
  std::optional<JournalContent> content;
  accepts([&] { content = read_journal(path); });
  accepts([&] {
    const std::string key = content ? content->key : "another run";
    Journal journal(path, key);
    require(!content || journal.size() == static_cast<std::int64_t>(content->cells.size()),
            "both ways to read a journal believe the same records");
    const std::int64_t fresh = -7;
    if (journal.find(fresh)) return;
    const double value = 0.5;
    journal.append(fresh, {&value, 1});
    require(read_journal(path).cells.size() == static_cast<std::size_t>(journal.size()),
            "an added record is there");
  });
}
