// What families share in reading Hugging Face's config.json.
#pragma once

#include <string_view>

#include "patchbay/io/json.h"
#include "patchbay/tensor/activation.h"

namespace patchbay::families {

/// The activation function that `key` names, or `usual` when config.json does not say. Throws
/// kBadData for one that patchbay does not compute.
ActivationFunction read_activation(const JsonValue& config, std::string_view key,
                                   std::string_view usual);

}  // namespace patchbay::families
