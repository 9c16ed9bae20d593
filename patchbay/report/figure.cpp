#include "patchbay/report/figure.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"

namespace patchbay::figures {

const Figure& find(std::string_view name) {
  std::vector<std::string> names;
  for (const Figure* figure : all()) {
    if (figure->name == name) return *figure;
    names.emplace_back(figure->name);
  }
  throw Error(ErrorKind::kUsage, "figure",
              fmt::format("there is no figure \"{}\"{}; there are {}", name,
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
  return found->cells;
}

}  // namespace patchbay::figures
