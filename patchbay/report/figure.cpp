#include "patchbay/report/figure.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"
#include "patchbay/base/utf8.h"

namespace patchbay::figures {

bool Figure::fits(const EffectTable& table) const {
  table.check();
  return can_show && can_show.function_(table);
}

void Figure::check(const Request& request) const {
  if (!fits(request.table)) {
    throw Error(ErrorKind::kUsage, name,
                fmt::format("the result of {} cannot be shown so; take a figure that fits it",
                            request.table.experiment));
  }
  static_cast<void>(cells_of(request));
}

Drawing Figure::draw(const Request& request) const {
  check(request);
  if (!drawer)
    throw Error(ErrorKind::kUsage, name, "has no function that draws; set Figure::drawer");
  return drawer.function_(request);
}

Rows Figure::rows(const Request& request) const {
  check(request);
  if (!lister) throw Error(ErrorKind::kUsage, name, "is not rows of text; draw it");
  return lister.function_(request);
}

const Figure& find(std::string_view name) {
  std::vector<std::string> names;
  for (const Figure* figure : all()) {
    if (figure->name == name) return *figure;
    names.emplace_back(figure->name);
  }
  throw Error(ErrorKind::kUsage, "figure",
              fmt::format("there is no figure {}{}; there are {}", in_quotes(name),
                          did_you_mean(name, names), fmt::join(names, ", ")));
}

std::vector<const Figure*> fitting(const EffectTable& table) {
  std::vector<const Figure*> fits;
  for (const Figure* figure : all()) {
    if (figure->fits(table)) fits.push_back(figure);
  }
  std::ranges::stable_sort(fits, {}, &Figure::order);
  return fits;
}

const std::vector<CellSummary>& cells_of(const Request& request) {
  const auto found =
      std::ranges::find(request.statistics.effects, request.effect, &EffectSummary::effect);
  if (found == request.statistics.effects.end()) {
    throw Error(ErrorKind::kUsage, "figure",
                fmt::format("the result of {} has no effect {}; take the result's own",
                            request.table.experiment, name_of(request.effect)));
  }
  if (std::ssize(found->cells) != request.table.cells()) {
    throw Error(ErrorKind::kUsage, "figure",
                fmt::format("the statistics are of {} cells, and the result of {} has {}; give the "
                            "statistics of this table",
                            found->cells.size(), request.table.experiment, request.table.cells()));
  }
  return found->cells;
}

}  // namespace patchbay::figures
