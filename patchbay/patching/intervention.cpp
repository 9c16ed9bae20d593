#include "patchbay/patching/intervention.h"

#include <fmt/format.h>

#include <algorithm>

#include "patchbay/base/check.h"
#include "patchbay/base/error.h"

namespace patchbay {
namespace {

// Positions as indices in the base and in the source run, −1 for none.
struct Index {
  std::int32_t base;
  std::int32_t source;
};

std::vector<Index> indices_of(const Positions& positions, const PairSides& sides) {
  std::vector<Index> indices;
  switch (positions.kind) {
    case Positions::Kind::kAll:
      for (std::int32_t i = 0; i < sides.length; ++i) indices.push_back({i, i});
      break;
    case Positions::Kind::kIndex:
      if (positions.index < sides.length) indices.push_back({positions.index, positions.index});
      break;
    case Positions::Kind::kNamed: {
      const TokenSpan base = positions.name.of(sides.base[positions.name.name]);
      const TokenSpan source = positions.name.of(sides.source[positions.name.name]);
      if (base.size() != source.size()) break;
      for (std::int32_t i = 0; i < base.size(); ++i) {
        indices.push_back({base.first + i, source.first + i});
      }
      break;
    }
    case Positions::Kind::kAllBut:
      for (std::int32_t i = 0; i < sides.length; ++i) {
        const bool left_out = std::ranges::any_of(positions.but, [&](const NamedPosition& one) {
          return one.of(sides.base[one.name]).has(i);
        });
        const bool named =
            std::ranges::any_of(sides.base, [&](const TokenSpan& span) { return span.has(i); });
        if (!left_out && (named || !positions.but_unnamed)) indices.push_back({i, i});
      }
      break;
  }
  return indices;
}

// A part of each row that is the same wherever the row is: all of it, a head, a neuron.
void add_rows(const HookedTransformerConfig& cfg, const Place& place, const PairSides& sides,
              std::vector<Piece>& pieces) {
  const HookName name{place.site, place.layer};
  const std::int64_t width = name.shape(cfg, 1, 1).size();
  std::int64_t begin = 0;
  std::int64_t count = width;
  if (place.head != Place::kAll) {
    count = width / heads_of(cfg, place.site);
    begin = place.head * count;
  } else if (place.neuron != Place::kAll) {
    begin = place.neuron;
    count = 1;
  }
  for (const Index& at : indices_of(place.positions, sides)) {
    pieces.push_back({name, at.base, begin, at.source, begin, count});
  }
}

// Rows of attention: of each head and destination all sources that it sees, or one of them.
void add_attention(const HookedTransformerConfig& cfg, const Place& place, const PairSides& sides,
                   std::vector<Piece>& pieces) {
  const HookName name{place.site, place.layer};
  const std::int64_t first = place.head == Place::kAll ? 0 : place.head;
  const std::int64_t last = place.head == Place::kAll ? cfg.n_heads : place.head + 1;
  const bool whole = place.keys.kind == Positions::Kind::kAll;
  for (const Index& query : indices_of(place.positions, sides)) {
    const KeyRange base = cfg.visible_keys(place.layer, query.base);
    const KeyRange source = cfg.visible_keys(place.layer, query.source);
    for (std::int64_t head = first; head < last; ++head) {
      const std::int64_t row = head * sides.length;
      if (whole) {
        // Where a named destination differs, what both see.
        const std::int64_t begin = std::max(base.first, source.first);
        const std::int64_t count = std::min(base.end, source.end) - begin;
        if (count <= 0) continue;
        pieces.push_back({name, query.base, row + begin, query.source, row + begin, count});
        continue;
      }
      for (const Index& key : indices_of(place.keys, sides)) {
        if (!base.contains(key.base) || !source.contains(key.source)) continue;
        pieces.push_back({name, query.base, row + key.base, query.source, row + key.source, 1});
      }
    }
  }
}

void check_positions(const PromptSet& prompts, const Positions& positions) {
  const std::int64_t names = std::ssize(prompts.position_names);
  if (positions.kind == Positions::Kind::kIndex && positions.index < 0) {
    throw Error(
        ErrorKind::kUsage, "patching",
        fmt::format("there is no position {}; positions are numbered from 0", positions.index));
  }
  if (positions.kind == Positions::Kind::kNamed) {
    check_index("patching", "position name", static_cast<std::int64_t>(positions.name.name), names);
  }
  for (const NamedPosition& one : positions.but) {
    check_index("patching", "position name", static_cast<std::int64_t>(one.name), names);
  }
}

}  // namespace

std::vector<NamedPosition> named_positions(const std::vector<Intervention>& interventions) {
  std::vector<NamedPosition> names;
  for (const Intervention& places : interventions) {
    for (const Place& place : places) {
      for (const Positions* at : {&place.positions, &place.keys}) {
        if (at->kind != Positions::Kind::kNamed) continue;
        if (std::ranges::find(names, at->name) == names.end()) names.push_back(at->name);
      }
    }
  }
  return names;
}

std::int64_t heads_of(const HookedTransformerConfig& cfg, HookPoint site) {
  switch (info(site).unit()) {
    case Unit::kHead:
      return cfg.n_heads;
    case Unit::kKeyValueHead:
      return cfg.key_value_heads();
    case Unit::kRow:
    case Unit::kNeuron:
      return 0;
  }
  return 0;
}

std::optional<std::vector<Piece>> pieces_of(const HookedTransformerConfig& cfg,
                                            const Intervention& intervention,
                                            const PairSides& sides) {
  std::vector<Piece> pieces;
  for (const Place& place : intervention) {
    const std::size_t before = pieces.size();
    if (is_attention(place.site)) {
      add_attention(cfg, place, sides, pieces);
    } else {
      add_rows(cfg, place, sides, pieces);
    }
    if (pieces.size() == before && place.positions.kind != Positions::Kind::kAllBut) {
      return std::nullopt;
    }
  }
  return pieces;
}

void check_place(const HookedTransformerConfig& cfg, const Place& place) {
  const HookName name = HookName::of(info(place.site).short_name, cfg, place.layer);
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorKind::kUsage, "patching", fmt::format("{} {}", name.str(), what));
  };
  if (name.layer != place.layer) {  // a negative one counts from the end in names alone
    throw Error(ErrorKind::kUsage, "patching",
                fmt::format("there is no layer {}; layers are numbered from 0 to {}", place.layer,
                            cfg.n_layers - 1));
  }
  if (place.keys.kind != Positions::Kind::kAll && !is_attention(place.site)) {
    fail("has no keys; only scores and pattern have");
  }
  if (place.head != Place::kAll && place.neuron != Place::kAll) {
    fail("cannot be both a head's and a neuron's");
  }
  const std::int64_t heads = heads_of(cfg, place.site);
  if (place.head != Place::kAll && (place.head < 0 || place.head >= heads)) {
    fail(heads == 0 ? "has no heads"
                    : fmt::format("has no head {}; there are 0 to {}", place.head, heads - 1));
  }
  if (place.neuron == Place::kAll) return;
  if (info(place.site).unit() != Unit::kNeuron) fail("has no neurons");
  if (place.neuron < 0 || place.neuron >= cfg.d_mlp) {
    fail(fmt::format("has no neuron {}; there are 0 to {}", place.neuron, cfg.d_mlp - 1));
  }
}
void check_place(const HookedTransformerConfig& cfg, const PromptSet& prompts, const Place& place) {
  check_place(cfg, place);
  check_positions(prompts, place.positions);
  check_positions(prompts, place.keys);
}

}  // namespace patchbay
