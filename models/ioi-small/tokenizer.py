"""Builds tokenizer.json: byte-level BPE, cut by GPT-2's pattern, every word of the texts one token."""

import json
import random
import re
from collections import Counter
from pathlib import Path

from narratives import MIXTURE, narrative
from words import EVENTS, HELD_OUT_TEMPLATES, NAMES, OBJECTS, PLACES, TEMPLATES

FOLDER = Path(__file__).parent
END_OF_TEXT = "<|endoftext|>"
SAMPLE = 20000  # narratives that are read for their words; enough to meet all of them


def byte_alphabet():
    """GPT-2's printable character for each of the 256 bytes."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in kept]
    letters = {b: chr(b) for b in kept}
    letters.update({b: chr(256 + i) for i, b in enumerate(others)})
    return letters


SPACE = byte_alphabet()[ord(" ")]


def words_of_the_texts():
    """Every word, with and without a space before it as it occurs; names and task words in both."""
    rng = random.Random(0)
    texts = [narrative(rng, MIXTURE) for _ in range(SAMPLE)] + [TEMPLATES[i] for i in HELD_OUT_TEMPLATES]
    words = {w for text in texts for w in re.findall(r" ?[A-Za-z]+", text)}
    words -= {w for w in words if w.strip() in ("A", "B", "C", "PLACE", "OBJECT") and len(w) < 3}
    words |= {" " + w for w in NAMES + PLACES + OBJECTS + EVENTS} | set(NAMES)
    return sorted(w.replace(" ", SPACE) for w in words)


def number_merges():
    """Two digits are a token, counted from the space: " 1741" is " 17" and "41", never otherwise."""
    digits = "0123456789"
    with_space = [(SPACE, d) for d in digits]
    pairs_with_space = [(SPACE + d, e) for d in digits for e in digits]
    return with_space + pairs_with_space + [(d, e) for d in digits for e in digits]


def joined(parts, pair):
    result = []
    for part in parts:
        if result and (result[-1], part) == pair:
            result[-1] += part
        else:
            result.append(part)
    return result


def word_merges(words):
    """Byte-pair encoding of the list of words, the commonest pair first, until none is in parts."""
    parts_of = {word: list(word) for word in words}
    merges = []
    while True:
        counts = Counter(pair for parts in parts_of.values() for pair in zip(parts, parts[1:]))
        if not counts:
            return merges
        pair = min(counts, key=lambda p: (-counts[p], p))
        merges.append(pair)
        for word, parts in parts_of.items():
            parts_of[word] = joined(parts, pair)


def build():
    merges = number_merges() + word_merges(words_of_the_texts())
    tokens = [byte_alphabet()[b] for b in range(256)]
    tokens += [left + right for left, right in merges]
    assert len(set(tokens)) == len(tokens)
    bos = len(tokens)
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
                  "use_regex": True}
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": bos, "content": END_OF_TEXT, "single_word": False, "lstrip": False,
                          "rstrip": False, "normalized": False, "special": True}],
        "normalizer": None, "pre_tokenizer": byte_level, "post_processor": None,
        "decoder": byte_level,
        "model": {"type": "BPE", "dropout": None, "unk_token": None,
                  "continuing_subword_prefix": "", "end_of_word_suffix": "", "fuse_unk": False,
                  "byte_fallback": False,
                  "vocab": {**{t: i for i, t in enumerate(tokens)}, END_OF_TEXT: bos},
                  "merges": [f"{left} {right}" for left, right in merges]},
    }


if __name__ == "__main__":
    text = json.dumps(build(), ensure_ascii=False, indent=0)
    (FOLDER / "tokenizer.json").write_text(text + "\n", encoding="utf-8")
