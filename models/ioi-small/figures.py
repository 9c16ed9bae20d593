"""What the model gets right: the figures of the log, of evaluate.py and of the model card."""

from collections import defaultdict

import torch


def logits_at_end(model, sequences):
    """The last position's logits, [sequence, d_vocab]; sequences of one length run together."""
    by_length = defaultdict(list)
    for i, ids in enumerate(sequences):
        by_length[len(ids)].append(i)
    rows = [None] * len(sequences)
    with torch.no_grad():
        for places in by_length.values():
            logits = model(torch.tensor([sequences[i] for i in places]))[:, -1]
            for i, row in zip(places, logits):
                rows[i] = row
    return torch.stack(rows)


class Reader:
    """Texts to token ids, with or without the token of the beginning."""

    def __init__(self, tokenizer, bos):
        self.tokenizer, self.bos = tokenizer, bos

    def __call__(self, texts, with_bos):
        return [[self.bos] * with_bos + e.ids for e in self.tokenizer.encode_batch(list(texts))]

    def single(self, text):
        ids = self.tokenizer.encode(text).ids
        assert len(ids) == 1, text
        return ids[0]


def indirect_object_figures(model, reader, prompts, with_bos):
    """How often IO is above S, how often it is the most likely of all tokens, and the mean logit
    difference on the clean and on the corrupted prompts, always of the clean prompt's names, with
    the latter's standard deviation."""
    rows = torch.arange(len(prompts))
    answers = torch.tensor([reader.single(p.answer) for p in prompts])
    wrong = torch.tensor([reader.single(p.wrong) for p in prompts])
    clean = logits_at_end(model, reader([p.prompt for p in prompts], with_bos))
    corrupted = logits_at_end(model, reader([p.corrupted for p in prompts], with_bos))
    difference = clean[rows, answers] - clean[rows, wrong]
    on_corrupted = (corrupted[rows, answers] - corrupted[rows, wrong]).double()
    return {
        "io_above_s": (difference > 0).double().mean().item(),
        "io_first": (clean.argmax(-1) == answers).double().mean().item(),
        "ld": difference.double().mean().item(),
        "ld_corrupted": on_corrupted.mean().item(),
        "ld_corrupted_sd": on_corrupted.std().item(),
    }


def greater_than_figures(model, reader, prompts, with_bos):
    """Share of prompts whose most likely token is a larger year, and the mean probability of all
    larger years."""
    years = torch.tensor([reader.single(f"{y:02d}") for y in range(100)])
    logits = logits_at_end(model, reader([p.prompt for p in prompts], with_bos))
    probs = logits.double().softmax(-1)[:, years]
    larger = torch.arange(100)[None, :] > torch.tensor([p.start for p in prompts])[:, None]
    best = logits.argmax(-1)
    first = [(years[larger[i]] == best[i]).any().item() for i in range(len(prompts))]
    return {"larger_first": sum(first) / len(first), "p_larger": (probs * larger).sum(-1).mean().item()}


def induction_accuracy(model, sequences, length, with_bos, bos):
    """Share of the last `length` tokens, after the first of them, that are the most likely ones."""
    right = 0
    for ids in sequences:
        tokens = torch.tensor([[bos] * with_bos + ids])
        with torch.no_grad():
            best = model(tokens[:, :-1])[:, 1 - length:].argmax(-1)
        right += (best == tokens[:, 1 - length:]).sum().item()
    return right / (len(sequences) * (length - 1))
