"""Trains models/ioi-small from nothing: python train.py (needs tokenizer.json of tokenizer.py).

Made with Python 3.11, torch 2.15.0, tokenizers 0.22.2, safetensors 0.8.0. One thread, seeded, with
deterministic algorithms. Writes config.json, model.safetensors and train_log.csv.
"""

import argparse
import itertools
import math
import random
import time
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch.nn import functional as F

from figures import (Reader, greater_than_figures, indirect_object_figures,
                     induction_accuracy)
from model import END_OF_TEXT, FOLDER, SIZES, Gpt2, config, save
from narratives import MIXTURE, PEOPLE, narrative, repeated_tokens
from prompts import indirect_object_prompts, repeated_token_prompts, year_prompts

SEED = 1
N_CTX = SIZES["n_positions"]
POOL = 1024  # texts that are made at a time and put side by side by length
TOKENS_PER_BATCH = 2048
PEAK_RATE = 3e-3
NO_LOSS = -100


@dataclass(frozen=True)
class Stage:
    """What the pools before number `until` are made of."""

    until: float
    repeated_share: float
    longest_repeat: int  # tokens
    mixture: list


# Copying is learned from short repeated sequences alone within a thousand batches, and hardly at all
# among narratives; who did not act is learned next, and then everything together.
STAGES = [Stage(45, 1.0, 32, MIXTURE), Stage(110, 0.3, 48, PEOPLE),
          Stage(math.inf, 0.18, N_CTX - 1, MIXTURE)]


def batches(rng, tokenizer):
    """Endless batches of (inputs, targets), each [text, pos]; padding and what nobody can know have
    the target NO_LOSS. Half of the texts begin with the token of the beginning, and narratives end
    with it."""
    bos = tokenizer.token_to_id(END_OF_TEXT)
    for made in itertools.count():
        stage = next(stage for stage in STAGES if made < stage.until)
        repeats = sum(rng.random() < stage.repeated_share for _ in range(POOL))
        # ids, and how many at the start nobody can predict
        texts = [repeated_tokens(rng, bos, stage.longest_repeat) for _ in range(repeats)]
        made_up = [narrative(rng, stage.mixture) for _ in range(POOL - repeats)]
        texts += [(e.ids + [bos], 0) for e in tokenizer.encode_batch(made_up)]
        texts = [([bos] + ids, unknown and unknown + 1) if rng.random() < 0.5 else (ids, unknown)
                 for ids, unknown in texts]
        texts.sort(key=lambda text: len(text[0]))
        pool = []
        while texts:
            longest = len(texts[-1][0])
            count = max(1, TOKENS_PER_BATCH // longest)
            rows, texts = texts[-count:], texts[:-count]
            inputs = [ids + [bos] * (longest - len(ids)) for ids, _ in rows]
            targets = [[NO_LOSS] * unknown + ids[unknown:] + [NO_LOSS] * (longest - len(ids))
                       for ids, unknown in rows]
            pool.append((torch.tensor(inputs), torch.tensor(targets)))
        rng.shuffle(pool)
        yield from pool


def rate(step, steps):
    """A short warm-up, then a cosine down to a fiftieth."""
    warm = min(1.0, (step + 1) / 200)
    return PEAK_RATE * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)))


class Progress:
    """Figures on a few held-out prompts, for the log."""

    COLUMNS = "io_above_s,io_first,ld,larger_year,induction"

    def __init__(self, tokenizer, bos):
        self.reader = Reader(tokenizer, bos)
        self.prompts = indirect_object_prompts("held_out_both", 100, seed=2)
        self.years = year_prompts(50, seed=2)
        self.repeats = repeated_token_prompts(20, 16, bos + 1, seed=2)

    def __call__(self, model):
        ioi = indirect_object_figures(model, self.reader, self.prompts, with_bos=True)
        larger = greater_than_figures(model, self.reader, self.years, with_bos=True)["larger_first"]
        induction = induction_accuracy(model, self.repeats, True, self.reader.bos)
        return (f"{ioi['io_above_s']:.2f},{ioi['io_first']:.2f},{ioi['ld']:.2f},{larger:.2f},"
                f"{induction:.2f}")


def train(steps, log_every=250):
    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    rng = random.Random(SEED)
    tokenizer = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
    model = Gpt2(config(tokenizer.get_vocab_size()))
    progress = Progress(tokenizer, model.cfg["bos_token_id"])
    matrices = [p for p in model.parameters() if p.dim() == 2]
    vectors = [p for p in model.parameters() if p.dim() == 1]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.05},
                                   {"params": vectors, "weight_decay": 0.0}], betas=(0.9, 0.98))
    start, total, seen = time.time(), 0.0, 0
    log = ["step,tokens,loss,seconds," + Progress.COLUMNS]
    for step, (inputs, targets) in zip(range(steps), batches(rng, tokenizer)):
        for group in optimizer.param_groups:
            group["lr"] = rate(step, steps)
        logits = model(inputs[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), targets[:, 1:].flatten(), ignore_index=NO_LOSS)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += loss.item()
        seen += inputs.numel()
        if (step + 1) % log_every == 0:
            log.append(f"{step + 1},{seen},{total / log_every:.4f},{time.time() - start:.0f},"
                       + progress(model))
            print(log[-1], flush=True)
            save(model)
            total = 0.0
    return model, log


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--steps", type=int, default=8000)
    trained, lines = train(arguments.parse_args().steps)
    save(trained)
    (FOLDER / "train_log.csv").write_text("\n".join(lines) + "\n")
