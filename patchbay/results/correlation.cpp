#include "patchbay/results/correlation.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "patchbay/base/error.h"

namespace patchbay {

double correlation(std::span<const double> x, std::span<const double> y) {
  if (x.size() != y.size()) {
    throw Error(
        ErrorKind::kUsage, "correlation",
        fmt::format("{} numbers and {} are not pairs; give as many of both", x.size(), y.size()));
  }
  double n = 0;
  double sum_x = 0;
  double sum_y = 0;
  const auto each = [&](const auto& visit) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (std::isfinite(x[i]) && std::isfinite(y[i])) visit(x[i], y[i]);
    }
  };
  each([&](double a, double b) {
    n += 1;
    sum_x += a;
    sum_y += b;
  });
  double xx = 0;
  double yy = 0;
  double xy = 0;
  each([&](double a, double b) {
    const double from_x = a - sum_x / n;
    const double from_y = b - sum_y / n;
    xx += from_x * from_x;
    yy += from_y * from_y;
    xy += from_x * from_y;
  });
  if (n < 2 || xx == 0 || yy == 0) return std::numeric_limits<double>::quiet_NaN();
  return xy / std::sqrt(xx * yy);
}

}  // namespace patchbay
