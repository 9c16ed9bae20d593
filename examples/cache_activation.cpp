// Runs a model once and looks at what it computed on the way: where the last token looks.
// Prints: most of head 2.1's attention from the last token goes to
#include <algorithm>
#include <cstdio>

#include "patchbay/hub/load_model.h"

int main() {
  const patchbay::RunContext ctx;  // every processor
  const patchbay::HookedTransformer model = patchbay::hub::load_model(ctx, "ioi-small");
  const char* const text = "Then, Mary and John went to the store. John gave a drink to";
  const patchbay::Prompt tokens = model.to_tokens(text, /*prepend_bos=*/false);

  const auto [logits, cache] = model.run_with_cache(ctx, {tokens});
  const patchbay::Tensor& pattern = cache("pattern", 2);  // [batch, head_index, query_pos, key_pos]

  const auto row = pattern[0][1][static_cast<std::int64_t>(tokens.size()) - 1].flat();
  const auto most = std::ranges::max_element(row) - row.begin();
  std::printf(
      "most of head 2.1's attention from the last token goes to \"%s\" (%.2f)\n",
      std::string(model.tokenizer().token_bytes(tokens[static_cast<std::size_t>(most)])).c_str(),
      static_cast<double>(row[static_cast<std::size_t>(most)]));
}
