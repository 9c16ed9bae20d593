// The natural logarithm by arithmetic alone, because the C library's differs between versions.
#pragma once

namespace patchbay {

/// ln x: −infinity of 0, NaN below 0; infinity and NaN stay what they are.
double natural_logarithm(double x);

}  // namespace patchbay
