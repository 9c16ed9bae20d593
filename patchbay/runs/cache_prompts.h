// Activations of prompts, written to a file for numpy.
#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "patchbay/base/run_context.h"
#include "patchbay/hooks/activation_file.h"
#include "patchbay/model/hooked_transformer.h"

namespace patchbay::runs {

/// What of a run is written.
struct CachedActivations {
  NamesFilter names;
  bool logits = false;    ///< those of every position too
  bool numbered = false;  ///< with an array "prompts" of which prompts are in a batch
};

/// Writes the activations of every prompt to an .npz file: the batch of each array is the prompts,
/// in their order. Prompts of different lengths are batches of their own, whose arrays' names begin
/// with "length_14.". Throws as ActivationFile, run_with_cache and NamesFilter::resolve do; the
/// file appears whole or not at all.
std::vector<ActivationFile::Array> cache_prompts(const RunContext& ctx,
                                                 const HookedTransformer& model,
                                                 std::span<const Prompt> prompts,
                                                 const CachedActivations& what,
                                                 const std::filesystem::path& path);

}  // namespace patchbay::runs
