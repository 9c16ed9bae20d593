// The start of a replay that changes whole rows of one activation.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "patchbay/model/base_run.h"

namespace patchbay {

inline ReplayStart start_at(const HookName& name, std::vector<std::int32_t> base_prompt,
                            const std::vector<Row>& rows, ConstTensorView values) {
  ReplayStart start{std::move(base_prompt), {}};
  start.edits.add_rows(name, rows, values);
  return start;
}

}  // namespace patchbay
