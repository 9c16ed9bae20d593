"""Which head has which job: python heads.py prints one row per head, and what patching it does.

The scores are those of Wang et al. 2022: attention to the previous token, to the earlier copy of the
current token and to the token after it (repeated random tokens); attention of END and S2 to the
named positions, the direct effect on the logit difference and the copy score (prompts with held-out
pairs of names); END's attention to the name that stands first and to the second tells heads that go
by order. "total" is the share of the logit difference that is lost when the head's z at END,
or at S2, comes from the corrupted prompt, everything after it recomputed.
"""

from collections import defaultdict

import torch
from tokenizers import Tokenizer

from figures import Reader
from model import FOLDER, load
from prompts import indirect_object_prompts, repeated_token_prompts
from words import NAMES

COUNT = 300
SEED = 3


class Pairs:
    """Clean and corrupted prompts of one length: [prompt, pos], and where the names stand."""

    def __init__(self, reader, prompts):
        self.clean = torch.tensor(reader([p.prompt for p in prompts], True))
        self.corrupted = torch.tensor(reader([p.corrupted for p in prompts], True))
        self.io = torch.tensor([reader.single(p.answer) for p in prompts])
        self.s = torch.tensor([reader.single(p.wrong) for p in prompts])
        self.rows = torch.arange(len(prompts))
        self.end = self.clean.shape[1] - 1
        at_start = {reader.single(" " + n): reader.single(n) for n in NAMES}
        places = [self.named(row, io, s, at_start) for row, io, s in
                  zip(self.clean.tolist(), self.io.tolist(), self.s.tolist())]
        self.at_io, self.at_s1, self.at_s2 = torch.tensor(places).T

    @staticmethod
    def named(row, io, s, at_start):
        at_io = [i for i, t in enumerate(row) if t in (io, at_start[io])]
        at_s = [i for i, t in enumerate(row) if t in (s, at_start[s])]
        assert len(at_io) == 1 and len(at_s) == 2
        return at_io[0], at_s[0], at_s[1]

    def difference(self, logits):
        at_end = logits[:, -1]
        return at_end[self.rows, self.io] - at_end[self.rows, self.s]


def watched(model, tokens):
    """Logits and every pattern and z, by (layer, name)."""
    seen = {}
    def look(layer, name, value):
        seen[layer, name] = value
        return value
    return model(tokens, look), seen


def patched(model, tokens, layer, head, positions, source):
    """Logits with one head's z taken from `source` at one position of each prompt."""
    rows = torch.arange(len(tokens))
    def look(at, name, value):
        if (at, name) != (layer, "z"):
            return value
        value = value.clone()
        value[rows, head, positions] = source[rows, head, positions]
        return value
    return watched_pattern(model, tokens, look)


def watched_pattern(model, tokens, edit):
    patterns = {}
    def look(layer, name, value):
        value = edit(layer, name, value)
        if name == "pattern":
            patterns[layer] = value
        return value
    return model(tokens, look), patterns


def random_token_scores(model, bos, scores):
    length = 20
    tokens = torch.tensor([[bos] + ids for ids in repeated_token_prompts(100, length, bos + 1, SEED)])
    _, seen = watched(model, tokens)
    second = torch.arange(length + 1, 2 * length + 1)
    for (layer, name), pattern in seen.items():
        if name != "pattern":
            continue
        every = torch.arange(2, 2 * length + 1)
        for head in range(pattern.shape[1]):
            row = scores[layer, head]
            row["previous"] = pattern[:, head, every, every - 1].mean().item()
            row["duplicate"] = pattern[:, head, second, second - length].mean().item()
            row["induction"] = pattern[:, head, second, second - length + 1].mean().item()


def head_result(model, layer, head, z):
    """A head's own part of the attention's output, [..., d_model], without the bias."""
    d_head = z.shape[-1]
    return z @ model.h[layer].attn.c_proj.weight[head * d_head:(head + 1) * d_head]


def direct_effect(model, pairs, residual, result):
    """What a component at END adds to the logit difference, with the final norm's own scale."""
    scale = (residual.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt()
    direction = model.wte.weight[pairs.io] - model.wte.weight[pairs.s]
    return ((result - result.mean(-1, keepdim=True)) / scale * model.ln_f.weight * direction).sum(-1)


def copy_score(model, layer, head, residual_0, names, positions):
    """Share of names that the head's value and output circuit puts among the top five tokens."""
    attn, d_model = model.h[layer].attn, model.cfg["n_embd"]
    d_head = d_model // model.cfg["n_head"]
    values = slice(2 * d_model + head * d_head, 2 * d_model + (head + 1) * d_head)
    x = model.h[layer].ln_1(residual_0[torch.arange(len(names)), positions])
    z = x @ attn.c_attn.weight[:, values] + attn.c_attn.bias[values]
    logits = model.ln_f(head_result(model, layer, head, z)) @ model.wte.weight.T
    return (logits.topk(5).indices == names[:, None]).any(-1).double()


def after_block_0(model, tokens):
    x = model.wte(tokens) + model.wpe(torch.arange(tokens.shape[1]))
    return model.h[0](x, None)


def name_task_scores(model, pairs, sums):
    """Adds one length's sums over prompts to `sums`."""
    clean_logits, clean = watched(model, pairs.clean)
    _, corrupted = watched(model, pairs.corrupted)
    clean_ld = pairs.difference(clean_logits)
    residual = model.residual(pairs.clean)[:, -1]
    after_0 = after_block_0(model, pairs.clean)
    ends = torch.full_like(pairs.at_io, pairs.end)
    movers = [(layer, head) for layer, head in sums["movers"]]
    sums["ld"]["clean"] += clean_ld.sum().item()
    sums["ld"]["corrupted"] += pairs.difference(model(pairs.corrupted)).sum().item()
    for layer, head in ((l, h) for l in range(len(model.h)) for h in range(model.cfg["n_head"])):
        pattern, z = clean[layer, "pattern"][:, head], clean[layer, "z"]
        row = sums[layer, head]
        for name, query, key in (("end_io", ends, pairs.at_io), ("end_s1", ends, pairs.at_s1),
                                 ("end_s2", ends, pairs.at_s2),
                                 ("end_after_s2", ends, pairs.at_s2 + 1),
                                 ("end_first", ends, torch.minimum(pairs.at_io, pairs.at_s1)),
                                 ("end_second", ends, torch.maximum(pairs.at_io, pairs.at_s1)),
                                 ("s2_s1", pairs.at_s2, pairs.at_s1),
                                 ("s2_after_s1", pairs.at_s2, pairs.at_s1 + 1)):
            row[name] += pattern[pairs.rows, query, key].sum().item()
        result = head_result(model, layer, head, z[:, head, -1])
        row["direct"] += direct_effect(model, pairs, residual, result).sum().item()
        row["copies"] += copy_score(model, layer, head, after_0, pairs.io, pairs.at_io).sum().item()
        for name, positions in (("total_end", ends), ("total_s2", pairs.at_s2)):
            logits, patterns = patched(model, pairs.clean, layer, head, positions,
                                       corrupted[layer, "z"])
            row[name] += (clean_ld - pairs.difference(logits)).sum().item()
            # how much less the name movers look at IO, and more at S
            for other, there in movers:
                if other > layer:
                    before, after = clean[other, "pattern"][:, there], patterns[other][:, there]
                    change = (after - before)[pairs.rows, -1]
                    row[name + "_mover_io"] += change[pairs.rows, pairs.at_io].sum().item()
                    row[name + "_mover_s1"] += change[pairs.rows, pairs.at_s1].sum().item()


def groups(reader, prompts):
    by_length = defaultdict(list)
    for prompt, ids in zip(prompts, reader([p.prompt for p in prompts], True)):
        by_length[len(ids)].append(prompt)
    return [Pairs(reader, group) for _, group in sorted(by_length.items())]


def all_scores(model, reader):
    """{(layer, head): {score: mean}}, and the mean logit differences under "ld"."""
    prompts = indirect_object_prompts("held_out_pair", COUNT, SEED)
    batches = groups(reader, prompts)
    sums = defaultdict(lambda: defaultdict(float))
    sums["movers"] = []
    for pairs in batches:
        name_task_scores(model, pairs, sums)
    movers = [key for key, row in sums.items() if isinstance(key, tuple)
              and row["direct"] > 0.05 * sums["ld"]["clean"] and row["copies"] > 0.5 * COUNT]
    sums = defaultdict(lambda: defaultdict(float), {"movers": movers})
    for pairs in batches:
        name_task_scores(model, pairs, sums)
    del sums["movers"]
    gap = sums["ld"]["clean"] - sums["ld"]["corrupted"]
    for key, row in sums.items():
        for name in row:
            row[name] /= gap if name in ("total_end", "total_s2") else COUNT
    random_token_scores(model, reader.bos, sums)
    return sums, movers


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    model = load()
    reader = Reader(Tokenizer.from_file(str(FOLDER / "tokenizer.json")), model.cfg["bos_token_id"])
    scores, movers = all_scores(model, reader)
    print("mean LD clean {clean:.3f}, corrupted {corrupted:.3f}".format(**scores.pop("ld")))
    print("name movers (direct effect above a twentieth of LD, copy score above a half):",
          " ".join(f"{layer}.{head}" for layer, head in movers))
    print(f"direct effects of all heads {sum(row['direct'] for row in scores.values()):.3f}")
    columns = ["previous", "duplicate", "induction", "end_io", "end_s1", "end_s2", "end_after_s2",
               "end_first", "end_second", "s2_s1", "s2_after_s1", "direct", "copies", "total_end",
               "total_s2", "total_end_mover_io", "total_end_mover_s1", "total_s2_mover_io",
               "total_s2_mover_s1"]
    print("| head | " + " | ".join(columns) + " |\n|---" * 1 + "|---" * len(columns) + "|")
    for (layer, head), row in sorted(scores.items()):
        print(f"| {layer}.{head} | " + " | ".join(f"{row[c]:.2f}" for c in columns) + " |")
