#!/usr/bin/env python3
"""Writes tokens of random hostile strings, made by Hugging Face tokenizers, for the tests to compare.

    python3 -m venv build/oracle && build/oracle/bin/pip install tokenizers==0.23.3
    build/oracle/bin/python scripts/tokenizer_oracle.py tests/golden/gpt2-tokenizer build/oracle.jsonl
    PATCHBAY_TOKENIZER_ORACLE=$PWD/build/oracle.jsonl ctest --test-dir build -R TokenizerOracle

Each line of the output is [pre_tokenizer, string, ids] with "gpt2" or "smollm"; one more line for
each pre-tokenizer is [pre_tokenizer, [[first, last, class], ...]]: the class of every code point,
found by asking how the pre-tokenizer cuts it: "letter", "number", "space" or "other".

Only code points that patchbay's Unicode tables know are used (general category other than Cn in the
database of --ucd, Debian's unicode-data), and a few noncharacters: on what later versions of Unicode
assigned, the oracle's newer tables differ by design.
"""

import argparse
import json
import pathlib
import random
import sys

from generate_unicode_tables import DEFAULT_UCD, read_categories, read_white_space

PINNED = "0.23.3"
NONCHARACTERS = [0xFFFE, 0xFFFF, 0x1FFFE, 0x10FFFF]
CONTRACTIONS = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'LL", "''s", "'", "’s", "'l", "'r", "'v"]
WORDS = ["the", "Mary", "John", "gave", "don", "I", "we", "they", "antidisestablishmentarianism",
         "http", "e", "Straße", "naïve", "привет", "Ελλάδα", "שלום", "مرحبا", "नमस्ते", "ภาษาไทย",
         "中文字", "日本語", "カタカナ", "한국어", "<|endoftext|>", "<|im_start|>", "x_y", "C++", "\\n"]
EMOJI = ["😀", "👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇫🇷", "❤️", "1️⃣", "🧑‍🚀", "‍", "️"]
DIGITS = ["0", "7", "42", "2024", "1,000.5", "½", "²", "Ⅷ", "٣", "३४", "〇", "十", "①", "𝟙𝟚", "𐄇"]
BLOCKS = [(0x20, 0x7F), (0x80, 0x250), (0x250, 0x370), (0x370, 0x530), (0x590, 0x700),
          (0x900, 0xE00), (0xE00, 0x1000), (0x1D00, 0x2000), (0x2000, 0x2C00), (0x2E80, 0x3400),
          (0x4E00, 0x5000), (0xAC00, 0xAD00), (0xE000, 0xE010), (0xFB00, 0x10000),
          (0x10000, 0x10200), (0x1D400, 0x1D800), (0x1F300, 0x1FA00), (0x20000, 0x20100),
          (0xE0100, 0xE01F0), (0x10FFF0, 0x110000)]


class Generator:
    """Random strings out of parts that are hard to cut."""

    def __init__(self, seed, ucd):
        self.random = random.Random(seed)
        categories = read_categories(ucd)
        known = [c for c in range(0x110000) if categories[c] not in ("Cn", "Cs")]
        self.known = known + NONCHARACTERS
        usable = set(self.known)
        self.blocks = [[c for c in range(a, b) if c in usable] for a, b in BLOCKS]
        self.marks = [c for c in known if categories[c][0] == "M"]
        self.numbers = [c for c in known if categories[c][0] == "N"]
        self.spaces = sorted(read_white_space(ucd))
        self.controls = list(range(0x20)) + list(range(0x7F, 0xA0)) + [0xAD, 0x200B, 0x200E, 0xFEFF]
        self.parts = [
            lambda: self.random.choice(WORDS),
            lambda: " " + self.random.choice(WORDS),
            lambda: self.random.choice(WORDS) + self.random.choice(CONTRACTIONS),
            lambda: self.random.choice(CONTRACTIONS),
            lambda: self.random.choice(DIGITS),
            lambda: str(self.random.randrange(10 ** self.random.randint(1, 18))),
            lambda: self.random.choice(EMOJI),
            lambda: " " * self.random.randint(1, 9),
            lambda: self.random.choice(["\n", "\r\n", "\t", " \n", "\n ", "  \t", "\n\n\n"]),
            lambda: self.some(self.spaces, 4),
            lambda: self.some(self.controls, 3),
            lambda: self.random.choice("aeoü") + self.some(self.marks, 4),
            lambda: self.some(self.numbers, 3),
            lambda: self.some(self.known, 4),
            lambda: self.some(self.random.choice(self.blocks), 8),
            lambda: self.some(range(0x21, 0x7F), 12),
            lambda: chr(self.random.choice(self.known)) * self.random.choice([2, 3, 5, 17, 40]),
            lambda: self.random.choice("a= \n字-0'😀_") * self.random.choice([2, 7, 31, 64, 200]),
        ]

    def some(self, code_points, most):
        return "".join(map(chr, self.random.choices(code_points, k=self.random.randint(1, most))))

    def string(self):
        return "".join(self.random.choice(self.parts)() for _ in range(self.random.randint(1, 7)))


def make_tokenizers(folder):
    from tokenizers import Tokenizer, models, pre_tokenizers

    def byte_level():
        return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)

    digits = pre_tokenizers.Digits(individual_digits=True)
    steps = {"gpt2": byte_level(), "smollm": pre_tokenizers.Sequence([digits, byte_level()])}
    result = {}
    for name, step in steps.items():
        model = models.BPE.from_file(str(folder / "vocab.json"), str(folder / "merges.txt"))
        result[name] = Tokenizer(model)
        result[name].pre_tokenizer = step
    return result


def class_of(pre_tokenizer, character):
    """A character is of the class of those neighbours that it is not cut from."""
    def pieces(text):
        return len(pre_tokenizer.pre_tokenize_str(text))

    if pieces("a" + character + "a") == 1:
        return "letter"
    if pieces("!" + character + "!") == 1:
        return "other"
    # A white space never joins the characters before it; a number joins, or is always on its own.
    if pieces("1" + character + "1") == 1 or pieces(character + " ") == 2:
        return "number"
    return "space"


def class_ranges(pre_tokenizer, code_points):
    ranges = []
    for code_point in sorted(code_points):
        name = class_of(pre_tokenizer, chr(code_point))
        if ranges and ranges[-1][1] == code_point - 1 and ranges[-1][2] == name:
            ranges[-1][1] = code_point
        else:
            ranges.append([code_point, code_point, name])
    return ranges


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=pathlib.Path, help="vocab.json and merges.txt")
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=100_000, help="strings per pre-tokenizer")
    parser.add_argument("--ucd", type=pathlib.Path, default=DEFAULT_UCD)
    arguments = parser.parse_args()

    import tokenizers

    if tokenizers.__version__ != PINNED:
        sys.exit(f"tokenizers is {tokenizers.__version__}; run: pip install tokenizers=={PINNED}")
    generator = Generator(arguments.seed, arguments.ucd)
    with arguments.output.open("w", encoding="utf-8") as file:
        for name, tokenizer in make_tokenizers(arguments.folder).items():
            classes = class_ranges(tokenizer.pre_tokenizer, generator.known)
            file.write(json.dumps([name, classes]) + "\n")
            for _ in range(arguments.count):
                text = generator.string()
                file.write(json.dumps([name, text, tokenizer.encode(text).ids]) + "\n")


if __name__ == "__main__":
    main()
