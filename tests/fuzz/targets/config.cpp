// config.json of every family.
#include "patchbay/families/family.h"
#include "tests/fuzz/fuzz_target.h"

using namespace patchbay;
using namespace patchbay::fuzz;

void fuzz_config(std::string_view data);

void fuzz_config(std::string_view data) {
  accepts([&] {
    const JsonDocument document = parse_json(data, "config.json", {.max_values = 10000});
    for (const families::Family* family : families::all()) {
      accepts([&] {
        const HookedTransformerConfig cfg = family->config(document.root());
        cfg.check();
        require(cfg.n_layers > 0 && cfg.n_heads > 0 && cfg.d_head > 0 && cfg.d_vocab > 0,
                "a config that passes its check has sizes");
        require(cfg.n_heads % cfg.key_value_heads() == 0, "heads share keys evenly");
      });
    }
  });
}
