// A whole model, downloaded into the Hugging Face cache.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "patchbay/hub/download.h"
#include "patchbay/hub/model_name.h"

namespace patchbay::hub {

struct PulledFile {
  std::string name;
  std::uint64_t bytes = 0;
  std::string digest{};     ///< empty for a file that was there as a copy, not as a link to a blob
  bool downloaded = false;  ///< false for what was there already
};

struct PulledModel {
  ModelId model;
  std::string commit;
  std::filesystem::path folder;  ///< the snapshot: what load_model reads
  std::vector<PulledFile> files;
};

/// Downloads config, tokenizer and safetensors of a model, as far as they are not there: at one
/// commit, each file whole or not at all, and the revision's ref last. Several processes at once
/// download each file once. A stopped download is continued by the next call. Throws kNetwork when
/// the hub cannot be reached or sends what it did not announce, or when settings.offline is set;
/// kUsage for an id or a revision that the hub does not allow; kNoInput for a model that is not
/// there; kBadData for one without safetensors; kCannotCreate and kInputOutput for the disk;
/// kInterrupted.
PulledModel pull_model(const RunContext& ctx, const Settings& settings, const ModelId& model,
                       const Observer& observer = {});

}  // namespace patchbay::hub
