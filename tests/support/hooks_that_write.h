// The twin of row edits: hooks that write the same values into whole passes.
#pragma once

#include <algorithm>

#include "patchbay/hooks/hooks.h"
#include "patchbay/model/row_edits.h"

namespace patchbay {

/// `edits` must outlive the hooks. Of two edits that overlap, the later one counts here too.
inline Hooks hooks_that_write(const RowEdits& edits) {
  Hooks hooks;
  for (const auto& [name, list] : edits.entries()) {
    hooks.add(name, [&list = list](TensorView view, const HookName& at) {
      for (const RowEdit& edit : list) {
        const auto [sequence, position] = edit.row;
        float* to = view[sequence].data();
        if (is_attention(at.point)) {  // [batch, head_index, query_pos, key_pos]
          const std::int64_t pos = view.shape()[3];
          to += (edit.begin / pos * pos + position) * pos + edit.begin % pos;
        } else {  // [batch, pos, …]
          to += view[sequence][position].size() * position + edit.begin;
        }
        std::ranges::copy(edit.values, to);
      }
    });
  }
  return hooks;
}

}  // namespace patchbay
