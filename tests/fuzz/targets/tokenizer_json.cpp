// tokenizer.json and tokenizer_config.json, one after the other, and a text.
#include "patchbay/text/tokenizer.h"
#include "tests/fuzz/fuzz_target.h"

using namespace patchbay;
using namespace patchbay::fuzz;

void fuzz_tokenizer_json(std::string_view data);

void fuzz_tokenizer_json(std::string_view data) {
  const auto given = parts(data, 3);
  const std::filesystem::path path = file_in_folder("tokenizer.json", given[0]);
  const std::filesystem::path config = folder() / "tokenizer_config.json";
  std::filesystem::remove(config);
  if (!given[1].empty()) file_in_folder("tokenizer_config.json", given[1]);
  accepts([&] {
    const Tokenizer tokenizer = Tokenizer::from_tokenizer_json(path);
    accepts([&] {
      const std::vector<TokenId> tokens =
          tokenizer.to_tokens(given[2], {.prepend_bos = false, .parse_special = true});
      require(tokenizer.to_string(tokens) == given[2], "tokens give their text back");
    });
  });
}
