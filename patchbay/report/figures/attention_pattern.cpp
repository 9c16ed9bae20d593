// Attention patterns: from every token of a prompt to every token before it, head by head.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "patchbay/base/visible_text.h"
#include "patchbay/report/attention.h"
#include "patchbay/report/caption.h"
#include "patchbay/report/colour.h"
#include "patchbay/report/figure.h"

namespace patchbay::figures {

const Figure& attention_pattern();

namespace {

constexpr std::size_t kMostHeads = 12;
constexpr double kSheet = 1200.0;

bool fits(const EffectTable& table) { return attention_of(table).has_value(); }

Drawing draw(const Request& request) {
  const AttentionPatterns attention = *attention_of(request.table);
  const std::vector<std::string> tokens = attention.tokens(request.table, 0);
  const ColourScale scale{.is_signed = false, .limit = 1.0};
  const auto n = static_cast<double>(tokens.size());
  const double cell = std::clamp(std::floor(225.0 / n), 7.0, 18.0);
  const double size = std::min(12.0, cell);
  double label = 0.0;
  for (const std::string& token : tokens)
    label = std::max(label, text_width(visible_text(token, 16), size));
  label += 6.0;
  const double width = label + n * cell;
  const double height = 20.0 + n * cell + label;
  const std::size_t heads = std::min(attention.heads.size(), kMostHeads);
  const auto beside = static_cast<std::size_t>(std::max(1.0, std::floor(kSheet / (width + 24.0))));
  const Tiling tiling{balanced_row(heads, beside), width + 24.0, height + 14.0};
  Svg svg;
  for (std::size_t head = 0; head < heads; ++head) {
    svg.begin_group(tiling.x(head), tiling.y(head));
    svg.text(label, 13.0, "head " + attention.heads[head].name, {.bold = true});
    for (std::size_t query = 0; query < tokens.size(); ++query) {
      const double y = 20.0 + static_cast<double>(query) * cell;
      svg.text(label - 5.0, y + cell / 2.0 + size / 3.0, visible_text(tokens[query], 16),
               {.size = size, .anchor = SvgAnchor::kEnd});
      const double middle = label + (static_cast<double>(query) + 0.5) * cell;
      svg.text(middle + size / 3.0, 24.0 + n * cell, visible_text(tokens[query], 16),
               {.size = size, .anchor = SvgAnchor::kEnd, .turned = -90.0});
      for (std::size_t key = 0; key <= query; ++key) {
        const double value = attention.weight(request.table, head, query, key, 0);
        svg.rect(label + static_cast<double>(key) * cell, y, cell, cell,
                 {.name = "cell",
                  .fill = hex(scale.of(value)),
                  .title = fmt::format("head {}: {} → {}: {:.4f}", attention.heads[head].name,
                                       visible_text(tokens[query], 40),
                                       visible_text(tokens[key], 40), value)});
      }
    }
    svg.end_group();
  }
  double total = tiling.total_height(heads) + 6.0;
  svg.text(0, total + 8.0,
           "down: the token that looks (query); across: the token looked at (key); white 0, dark "
           "blue 1; prompt 0",
           {.name = "muted", .size = 11.0});
  total += 18.0;
  if (heads < attention.heads.size()) {
    svg.text(0, total + 8.0,
             fmt::format("{} more heads are in the result file", attention.heads.size() - heads),
             {.name = "muted", .size = 11.0});
    total += 18.0;
  }
  return framed(request, svg, tiling.total_width(heads) - 24.0, total);
}

}  // namespace

const Figure& attention_pattern() {
  static constexpr Figure kFigure = {
      .name = "attention_pattern",
      .summary = "where heads look: token by token, of one prompt",
      .reading =
          "Each row is a token and shares its attention, 1 in all, among itself and the tokens "
          "before it. "
          "That a head looks somewhere does not say that it uses what it sees, nor what it writes.",
      .order = 1,
      .can_show = &fits,
      .drawer = &draw};
  return kFigure;
}

}  // namespace patchbay::figures
