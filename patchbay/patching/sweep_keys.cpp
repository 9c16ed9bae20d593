#include "patchbay/patching/sweep_keys.h"

#include <algorithm>
#include <bit>

namespace patchbay {

SweepKeys::SweepKeys(const Sides& sides, const PathSweep& sweep, const SourcePlan& source)
    : sides_(sides), sweep_(sweep) {
  for (std::int64_t prompt = 0; prompt < sides.prompts.size(); ++prompt) {
    KeyMaker key;
    add_prompt(prompt, key);
    source.add_to(key, prompt);
    key.add(static_cast<std::int64_t>(sweep.meaning)).add(std::int64_t{sweep.freeze_mlps});
    key.add(std::int64_t{sweep.live_heads}).add(static_cast<std::int64_t>(sweep.norms));
    prompts_.push_back(key.key());
  }
}

CellKey SweepKeys::of(std::int64_t prompt, std::int64_t path,
                      const std::vector<std::vector<Piece>>& steps) const {
  KeyMaker key;
  key.add(prompts_[static_cast<std::size_t>(prompt)]);
  key.add(std::int64_t{sweep_.paths[static_cast<std::size_t>(path)].to_logits});
  for (const std::vector<Piece>& pieces : steps) {
    key.add(std::int64_t{std::ssize(pieces)});
    for (const Piece& piece : pieces) {
      key.add(std::int64_t{info(piece.name.point).number}).add(std::int64_t{piece.name.layer});
      key.add(std::int64_t{piece.position}).add(piece.begin);
      key.add(std::int64_t{piece.source_position}).add(piece.source_begin).add(piece.count);
    }
  }
  return key.key();
}

CellKey SweepKeys::baseline(std::int64_t prompt, bool of_base) const {
  KeyMaker key;
  key.add(std::string_view(of_base ? "base" : "other"));
  add_prompt(prompt, key);
  return key.key();
}

void SweepKeys::add_prompt(std::int64_t prompt, KeyMaker& key) const {
  const PromptPair& pair = sides_.prompts.pairs[static_cast<std::size_t>(prompt)];
  key.add(sweep_.metric.name).add(static_cast<std::int64_t>(sweep_.direction));
  // A metric of somebody's own may have any name, so its values are known in this process alone.
  const auto& known = metrics::all();
  const bool is_own = std::ranges::find(known, &sweep_.metric) == known.end();
  key.add(is_own ? std::bit_cast<std::int64_t>(&sweep_.metric) : std::int64_t{0});
  key.add(pair.clean).add(pair.corrupted).add(pair.answers).add(pair.wrongs);
  if (sweep_.embedding_edits == nullptr) return;
  for (const auto& [name, list] : sweep_.embedding_edits->entries()) {
    for (const RowEdit& edit : list) {
      if (edit.row.prompt != prompt) continue;
      key.add(name.str()).add(std::int64_t{edit.row.position}).add(edit.begin).add(edit.values);
    }
  }
}

}  // namespace patchbay
