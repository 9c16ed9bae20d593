// A study file.
#include "patchbay/study/study.h"

#include "tests/fuzz/fuzz_target.h"

using namespace patchbay;
using namespace patchbay::fuzz;

void fuzz_study(std::string_view data);

void fuzz_study(std::string_view data) {
  accepts([&] {
    const Study study = parse_study(data, "study.toml");
    for (const StudyStep& step : study.steps) {
      require(!step.id.empty() && step.id.find_first_not_of(
                                      "abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos,
              "an id is a plain file name");
      require(!step.where.empty(), "a step knows its line");
    }
  });
}
