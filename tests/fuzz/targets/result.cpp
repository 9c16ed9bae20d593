// A result file: what is read is written as the same bytes.
#include "patchbay/results/result_json.h"
#include "patchbay/results/study_result.h"
#include "tests/fuzz/fuzz_target.h"

using namespace patchbay;
using namespace patchbay::fuzz;

void fuzz_result(std::string_view data);

void fuzz_result(std::string_view data) {
  accepts([&] {
    StoredResult result = parse_result(data, "result.json");
    // Statistics of many resamples take their time, and are no matter of reading.
    result.statistics.bootstrap_resamples = 2;
    if (result.table.values.size() > 4096) return;
    const std::string text = to_json(result.table, result.statistics);
    const StoredResult again = parse_result(text, "again.json");
    require(to_json(again.table, again.statistics) == text,
            "a result that is read and written is the same");
  });
  accepts([&] {
    const std::string text = to_json(parse_study_result(data, "study.json"));
    require(to_json(parse_study_result(text, "again.json")) == text,
            "a study's words that are read and written are the same");
  });
}
