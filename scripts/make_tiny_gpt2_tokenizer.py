#!/usr/bin/env python3
"""Writes tests/golden/tiny-gpt2/tokenizer.json: a byte-level BPE tokenizer of 300 tokens.

    python3 scripts/make_tiny_gpt2_tokenizer.py

reads tests/golden/gpt2-tokenizer/{vocab.json,merges.txt} and takes from them the 256 bytes under
GPT-2's own ids, the first 43 merges as ids 256 to 298, and <|endoftext|> as id 299. Needs Python's
standard library only.
"""

import json
import pathlib

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden"
BYTES = 256
MERGES = 43
END_OF_TEXT = "<|endoftext|>"


def main():
    gpt2 = GOLDEN / "gpt2-tokenizer"
    whole = json.loads((gpt2 / "vocab.json").read_text(encoding="utf-8"))
    lines = (gpt2 / "merges.txt").read_text(encoding="utf-8").splitlines()
    merges = [line for line in lines if not line.startswith("#version")][:MERGES]
    vocab = {token: i for token, i in whole.items() if i < BYTES}
    for merge in merges:
        vocab[merge.replace(" ", "")] = len(vocab)
    assert len(vocab) == BYTES + MERGES and sorted(vocab.values()) == list(range(BYTES + MERGES))
    assert all(whole[token] == i for token, i in vocab.items()), "GPT-2 numbers merges in order"
    special = {"id": len(vocab), "content": END_OF_TEXT, "single_word": False, "lstrip": False,
               "rstrip": False, "normalized": False, "special": True}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
                  "use_regex": True}
    vocab[END_OF_TEXT] = special["id"]
    tokenizer = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [special],
        "normalizer": None, "pre_tokenizer": byte_level, "post_processor": None,
        "decoder": byte_level,
        "model": {"type": "BPE", "dropout": None, "unk_token": None,
                  "continuing_subword_prefix": "", "end_of_word_suffix": "", "fuse_unk": False,
                  "byte_fallback": False, "vocab": vocab, "merges": merges},
    }
    text = json.dumps(tokenizer, ensure_ascii=False, indent=1) + "\n"
    (GOLDEN / "tiny-gpt2" / "tokenizer.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
