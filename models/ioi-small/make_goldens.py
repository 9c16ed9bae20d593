"""Writes tests/golden/ioi-small: held_out.jsonl, and reference.json of float64 logit differences.

    python make_goldens.py

The reference runs the stored half-precision weights in float64.
"""

import dataclasses
import json

import torch
from tokenizers import Tokenizer

from figures import Reader, logits_at_end
from model import FOLDER, load
from prompts import FORMS, indirect_object_prompts, repeated_token_prompts, year_prompts

GOLDEN = FOLDER.parent.parent / "tests" / "golden" / "ioi-small"
SEED = 5
COUNTS = {"held_out_pair": 60, "held_out_template": 40, "held_out_both": 20, "short_form": 20,
          "store_form": 20}
YEARS = 30
REPEATS = 100
REFERENCES_OF_EACH_KIND = 4


def held_out_lines(d_vocab):
    for kind, count in COUNTS.items():
        for prompt in indirect_object_prompts(kind, count, SEED):
            yield dataclasses.asdict(prompt)
    for year in year_prompts(YEARS, SEED):
        yield {"kind": "greater_than", **dataclasses.asdict(year)}
    for tokens in repeated_token_prompts(REPEATS, 20, d_vocab, SEED):
        yield {"kind": "repeated_tokens", "tokens": tokens}


def reference(model, reader):
    prompts = [p for kind in FORMS
               for p in indirect_object_prompts(kind, COUNTS[kind], SEED)[:REFERENCES_OF_EACH_KIND]]
    entries = [dataclasses.asdict(p) for p in prompts]
    for with_bos in (True, False):
        clean = reader([p.prompt for p in prompts], with_bos)
        corrupted = reader([p.corrupted for p in prompts], with_bos)
        rows = zip(entries, clean, corrupted, logits_at_end(model, clean),
                   logits_at_end(model, corrupted))
        for entry, tokens, corrupted_tokens, logits, corrupted_logits in rows:
            io, s = reader.single(entry["answer"]), reader.single(entry["wrong"])
            entry["with_bos" if with_bos else "without_bos"] = {
                "tokens": tokens, "corrupted_tokens": corrupted_tokens,
                "logit_diff": (logits[io] - logits[s]).item(),
                "corrupted_logit_diff": (corrupted_logits[io] - corrupted_logits[s]).item(),
            }
    return entries


if __name__ == "__main__":
    torch.set_num_threads(1)
    model = load(dtype=torch.float64)
    reader = Reader(Tokenizer.from_file(str(FOLDER / "tokenizer.json")), model.cfg["bos_token_id"])
    GOLDEN.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(line) + "\n" for line in held_out_lines(model.cfg["vocab_size"])]
    (GOLDEN / "held_out.jsonl").write_text("".join(lines))
    entries = reference(model, reader)
    (GOLDEN / "reference.json").write_text(json.dumps(entries, indent=1) + "\n")
