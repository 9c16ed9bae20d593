// Every file of tests/fuzz/corpus is read by its target: what was found once stays found.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/fuzz_targets.h"

namespace patchbay::fuzz {
namespace {

TEST(FuzzCorpus, EveryTargetHasInputsAndReadsThem) {
  const std::filesystem::path corpus = PATCHBAY_FUZZ_CORPUS_DIR;
  for (const Target& target : targets()) {
    int inputs = 0;
    for (const auto& entry : std::filesystem::directory_iterator(corpus / target.name)) {
      SCOPED_TRACE(entry.path().string());
      EXPECT_NO_THROW(target.run(bytes_of(entry.path())));
      ++inputs;
    }
    EXPECT_GT(inputs, 1) << target.name;
  }
}

TEST(FuzzCorpus, ABrokenPromiseIsSeen) {
  EXPECT_THROW(require(false, "anything"), std::logic_error);
  EXPECT_THROW(accepts([] { throw Error(ErrorKind::kInternal, "here", "a bug"); }),
               std::logic_error);
  EXPECT_STREQ(Error(ErrorKind::kBadData, "here", "two\nlines").what(), "[here] two\\nlines");
  EXPECT_FALSE(accepts([] { throw Error(ErrorKind::kBadData, "here", "one line"); }));
}

}  // namespace
}  // namespace patchbay::fuzz
