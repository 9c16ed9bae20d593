"""Trains models/ioi-small from nothing: python train.py (needs tokenizer.json of tokenizer.py).

Made with Python 3.11, torch 2.15.0, tokenizers 0.22.2, safetensors 0.8.0. One thread, seeded, with
deterministic algorithms; about twenty minutes. Writes config.json, model.safetensors and train_log.csv.
"""

import math
import random
import time
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch.nn import functional as F

from figures import (Reader, greater_than_figures, indirect_object_figures,
                     induction_accuracy)
from model import END_OF_TEXT, FOLDER, SIZES, Gpt2, config, load, save
from narratives import MIXTURE, NAMING, narrative, repeated_tokens
from prompts import (indirect_object_prompts, repeated_token_prompts, with_text_before,
                     year_prompts)
from words import NAMES

SEED = 1
N_CTX = SIZES["n_positions"]
POOL = 1024  # texts that are made at a time and put side by side by length
TOKENS_PER_BATCH = 2048
LOG_EVERY = 250
WEIGHT_OF_NAMES = 2.0  # of a name that stands in the text already


@dataclass(frozen=True)
class Stage:
    """What the batches before number `until` are made of, and what is held back in the meantime."""

    until: float
    repeated_share: float
    longest_repeat: int  # tokens
    mixture: list
    window: int | None = None  # of the first layer
    trained_layers: int = SIZES["n_layer"]  # from the first; the embeddings always learn
    strangers: float = 0.0  # share of texts in which a name comes last that nobody can know


@dataclass(frozen=True)
class Round:
    """Begins with the stored weights of the round before, and with new moments of the optimizer."""

    steps: int
    peak_rate: float
    stages: list


# Repetition first, then names that are copied where nothing tells which one. Without a window the
# first layer mixes all names into every place, and neither is learned by attention to what is copied.
# Who did not act comes third: the late layers wait, lest they strike out the actor after names were
# copied, and the earlier ones learn where to look. At last, everything learns everything.
LEARNING = [Stage(480, 1.0, 44, MIXTURE, window=4), Stage(780, 0.3, 56, NAMING, window=4),
            Stage(1750, 0.15, N_CTX - 1, MIXTURE, trained_layers=3),
            Stage(math.inf, 0.15, N_CTX - 1, MIXTURE)]
# Where any other name may follow, with little probability, none of them may be much likelier than
# another: the logits of names that are not in the text come together.
LEVELLING = [Stage(math.inf, 0.15, N_CTX - 1, MIXTURE, strangers=0.15)]
ROUNDS = [Round(3600, 3e-3, LEARNING), Round(750, 1e-3, LEVELLING)]


def stage_at(step, stages):
    return next(stage for stage in stages if step < stage.until)


def weights_of(ids, name_of):
    """A name counts more where it stands in the text already."""
    seen, weights = {None}, []
    for token in ids:
        name = name_of.get(token)
        weights.append(WEIGHT_OF_NAMES if name in seen and name else 1.0)
        seen.add(name)
    return weights


def batches(rng, tokenizer, stages):
    """Endless batches of (inputs, weights, first): tokens and how much each counts as a target,
    [text, pos], and the position at which the texts begin. Padding and what nobody can know of
    repeated tokens count nothing. Half of the texts begin with the token of the beginning, and
    narratives end with it."""
    bos = tokenizer.token_to_id(END_OF_TEXT)
    name_of = {tokenizer.encode(space + n).ids[0]: n for n in NAMES for space in ("", " ")}
    made = 0
    while True:
        stage = stage_at(made, stages)
        repeats = sum(rng.random() < stage.repeated_share for _ in range(POOL))
        texts = [repeated_tokens(rng, bos, rng.randint(16, stage.longest_repeat))
                 for _ in range(repeats)]
        made_up = [narrative(rng, stage.mixture, stage.strangers) for _ in range(POOL - repeats)]
        for encoded in tokenizer.encode_batch(made_up):
            ids = (encoded.ids + [bos])[:N_CTX - 1]
            texts.append((ids, weights_of(ids, name_of)))
        texts = [([bos] + ids, [0.0] + weights) if rng.random() < 0.5 else (ids, weights)
                 for ids, weights in texts]
        texts.sort(key=lambda text: len(text[0]))
        pool = []
        while texts:
            longest = len(texts[-1][0])
            count = max(1, TOKENS_PER_BATCH // longest)
            rows, texts = texts[-count:], texts[:-count]
            inputs = [ids + [bos] * (longest - len(ids)) for ids, _ in rows]
            weights = [weights + [0.0] * (longest - len(weights)) for _, weights in rows]
            first = rng.randint(0, N_CTX - longest) if rng.random() < 0.5 else 0
            pool.append((torch.tensor(inputs), torch.tensor(weights), first))
        rng.shuffle(pool)
        made += len(pool)
        yield from pool


def hold_back(model, stage):
    """Lets only the stage's layers learn, and the embeddings."""
    for layer, block in enumerate(model.h):
        block.requires_grad_(layer < stage.trained_layers)
    model.ln_f.requires_grad_(stage.trained_layers == len(model.h))


def rate(step, of):
    """A short warm-up, then a cosine down to a fiftieth."""
    warm = min(1.0, (step + 1) / 200)
    return of.peak_rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / of.steps)))


class Progress:
    """Figures on a few held-out prompts, for the log."""

    COLUMNS = "io_above_s,io_first,ld,io_first_after_text,larger_year,induction,induction_later"

    def __init__(self, tokenizer, bos):
        self.reader = Reader(tokenizer, bos)
        self.prompts = indirect_object_prompts("held_out_both", 100, seed=2)
        self.years = year_prompts(50, seed=2)
        self.after_text = with_text_before(self.prompts, "third_person", seed=2)
        self.repeats = [repeated_token_prompts(20, 16, bos + 1, 2, before) for before in (0, 20)]

    def __call__(self, model):
        ioi, after_text = (indirect_object_figures(model, self.reader, prompts, with_bos=True)
                           for prompts in (self.prompts, self.after_text))
        figures = [ioi["io_above_s"], ioi["io_first"], ioi["ld"], after_text["io_first"],
                   greater_than_figures(model, self.reader, self.years, True)["larger_first"]]
        figures += [induction_accuracy(model, repeats, 16, True, self.reader.bos)
                    for repeats in self.repeats]
        return ",".join(f"{figure:.2f}" for figure in figures)


class Log:
    def __init__(self, progress):
        self.progress, self.start, self.steps, self.seen = progress, time.time(), 0, 0
        self.losses = []
        self.lines = ["step,tokens,loss,seconds," + Progress.COLUMNS]

    def add(self, model, loss, tokens):
        self.steps += 1
        self.seen += tokens
        self.losses.append(loss)
        if self.steps % LOG_EVERY == 0:
            mean = sum(self.losses) / len(self.losses)
            self.lines.append(f"{self.steps},{self.seen},{mean:.4f},{time.time() - self.start:.0f},"
                              + self.progress(model))
            print(self.lines[-1], flush=True)
            self.losses = []


def train(model, tokenizer, of, rng, log):
    """One round."""
    log.losses = []
    matrices = [p for p in model.parameters() if p.dim() == 2]
    vectors = [p for p in model.parameters() if p.dim() == 1]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.05},
                                   {"params": vectors, "weight_decay": 0.0}], betas=(0.9, 0.98))
    for step, (inputs, weights, first) in zip(range(of.steps), batches(rng, tokenizer, of.stages)):
        for group in optimizer.param_groups:
            group["lr"] = rate(step, of)
        stage = stage_at(step, of.stages)
        hold_back(model, stage)
        logits = model(inputs[:, :-1], None, first, stage.window)
        losses = F.cross_entropy(logits.transpose(1, 2), inputs[:, 1:], reduction="none")
        loss = (losses * weights[:, 1:]).sum() / weights[:, 1:].sum()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        log.add(model, loss.item(), inputs.numel())


if __name__ == "__main__":
    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    tokenizer = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
    trained = Gpt2(config(tokenizer.get_vocab_size()))
    log = Log(Progress(tokenizer, trained.cfg["bos_token_id"]))
    for number, of in enumerate(ROUNDS):
        train(trained, tokenizer, of, random.Random(SEED + number), log)
        save(trained)
        trained = load().requires_grad_(True)
    (FOLDER / "train_log.csv").write_text("\n".join(log.lines) + "\n")
