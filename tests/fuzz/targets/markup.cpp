// One text between tags, in an attribute, on one line.
#include "patchbay/base/utf8.h"
#include "patchbay/base/visible_text.h"
#include "patchbay/io/json_writer.h"
#include "patchbay/report/svg.h"
#include "tests/fuzz/fuzz_target.h"

using namespace patchbay;
using namespace patchbay::fuzz;

void fuzz_markup(std::string_view data);

void fuzz_markup(std::string_view data) {
  const std::string shown = visible_text(data);
  require(is_utf8(shown), "what is shown is UTF-8");
  for (const char c : shown) {
    require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "what is shown has no controls");
  }
  if (shown == data) require(visible_text(shown) == shown, "what is visible stays as it is");
  const std::string markup = markup_text(data);
  require(markup.find_first_of("<>\"'") == std::string::npos, "no text becomes markup");
  for (std::size_t at = markup.find('&'); at != std::string::npos; at = markup.find('&', at + 1)) {
    const std::string_view rest = std::string_view(markup).substr(at);
    require(rest.starts_with("&amp;") || rest.starts_with("&lt;") || rest.starts_with("&gt;") ||
                rest.starts_with("&quot;") || rest.starts_with("&#39;"),
            "an ampersand begins one of five entities");
  }
  require(is_utf8(markup), "markup is UTF-8");
  (void)wrapped(data.substr(0, 400), 50.0);
}
