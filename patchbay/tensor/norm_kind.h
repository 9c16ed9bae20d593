// What blocks and the end of a model normalise with.
#pragma once

#include <cstdint>

namespace patchbay {

enum class NormKind : std::int8_t {
  kNone,   ///< nothing: values pass as they are
  kLayer,  ///< layer normalisation (Ba et al. 2016), which centres
  kRms,    ///< root-mean-square normalisation (Zhang & Sennrich 2019), which does not
};

}  // namespace patchbay
