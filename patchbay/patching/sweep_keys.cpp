#include "patchbay/patching/sweep_keys.h"

namespace patchbay {

SweepKeys::SweepKeys(const Sides& sides, const PathSweep& sweep, const SourcePlan& source)
    : sweep_(sweep) {
  std::vector<KeyMaker> texts;
  for (const PromptPair& pair : sides.prompts.pairs) {
    KeyMaker& text = texts.emplace_back();
    text.add(sweep.metric.name).add(static_cast<std::int64_t>(sweep.direction));
    text.add(pair.clean).add(pair.corrupted).add(pair.answers).add(pair.wrongs);
  }
  if (sweep.embedding_edits != nullptr) {
    for (const auto& [name, list] : sweep.embedding_edits->entries()) {
      for (const RowEdit& edit : list) {
        KeyMaker& text = texts[static_cast<std::size_t>(edit.row.sequence)];
        text.add(name.str()).add(std::int64_t{edit.row.position}).add(edit.begin).add(edit.values);
      }
    }
  }
  for (std::size_t prompt = 0; prompt < texts.size(); ++prompt) {
    texts_.push_back(texts[prompt].key());
    KeyMaker key;
    key.add(texts_.back());
    source.add_to(key, static_cast<std::int64_t>(prompt));
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
  return KeyMaker()
      .add(std::string_view(of_base ? "base" : "other"))
      .add(texts_[static_cast<std::size_t>(prompt)])
      .key();
}

}  // namespace patchbay
