// A file of prompt pairs.
#include "patchbay/families/family.h"
#include "patchbay/prompts/prompt_file.h"
#include "tests/fuzz/fuzz_target.h"

using namespace patchbay;
using namespace patchbay::fuzz;

void fuzz_prompts(std::string_view data);

void fuzz_prompts(std::string_view data) {
  static const std::filesystem::path kModel =
      std::filesystem::path(PATCHBAY_GOLDEN_DIR) / "tiny-gpt2";
  static const HookedTransformerConfig kConfig = load_config(kModel);
  static const std::optional<Tokenizer> kTokenizer = load_tokenizer(kModel);
  const std::filesystem::path path = memory_file(data);
  for (const Tokenizer* tokenizer : {&*kTokenizer, static_cast<const Tokenizer*>(nullptr)}) {
    accepts([&] {
      const PromptSet set = read_prompt_file(path, kConfig, tokenizer, {});
      for (const PromptPair& pair : set.pairs) {
        require(!pair.has_corrupted() || pair.clean.size() == pair.corrupted.size(),
                "both prompts are equally long");
        require(pair.positions.size() == set.position_names.size(), "every name has a place");
        for (const TokenSpan& span : pair.positions) {
          require(span.last < static_cast<std::int32_t>(pair.clean.size()) &&
                      span.first <= span.last && (span.first < 0) == (span.last < 0),
                  "a position is in its prompt");
        }
        for (const TokenId token : pair.clean) {
          require(token >= 0 && token < kConfig.d_vocab, "a token is in the vocabulary");
        }
      }
    });
  }
}
