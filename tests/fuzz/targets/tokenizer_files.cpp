// vocab.json and merges.txt, one after the other, and a text.
#include "patchbay/text/tokenizer.h"
#include "tests/fuzz/fuzz_target.h"

using namespace patchbay;
using namespace patchbay::fuzz;

void fuzz_tokenizer_files(std::string_view data);

void fuzz_tokenizer_files(std::string_view data) {
  const auto given = parts(data, 3);
  const std::filesystem::path vocabulary = file_in_folder("vocab.json", given[0]);
  const std::filesystem::path merges = file_in_folder("merges.txt", given[1]);
  accepts([&] {
    const Tokenizer tokenizer = Tokenizer::from_files(vocabulary, merges);
    accepts([&] {
      const auto tokens = tokenizer.to_tokens(given[2], {.prepend_bos = false});
      require(tokenizer.to_string(tokens) == given[2], "tokens give their text back");
    });
  });
}
