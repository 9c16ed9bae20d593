#!/usr/bin/env python3
"""TransformerLens's side of bench/peers/compare.py and compare_patching.py, run inside its environment.

    write MODEL_FOLDER PROMPTS.json              a GPT-2 small with made-up weights, ten prompts
    time MODEL_FOLDER PROMPTS.json THREADS NPZ   times, and the difference from patchbay's logits
    patch MODEL_FOLDER PROMPTS.json THREADS NPZ  times of whole sweeps, and the largest difference
"""
import json
import pathlib
import statistics
import sys
import time

import numpy
import torch
from safetensors.torch import load_file, save_file

LAYERS, HEADS, D_MODEL, D_VOCAB, N_CTX = 12, 12, 768, 50257, 1024


def write(folder, prompts):
    generator = torch.Generator().manual_seed(0)

    def normal(*shape, scale=0.02):
        return torch.randn(*shape, generator=generator) * scale

    tensors = {"wte.weight": normal(D_VOCAB, D_MODEL), "wpe.weight": normal(N_CTX, D_MODEL)}
    for layer in range(LAYERS):
        for name, rows, columns in [("attn.c_attn", D_MODEL, 3 * D_MODEL),
                                    ("attn.c_proj", D_MODEL, D_MODEL),
                                    ("mlp.c_fc", D_MODEL, 4 * D_MODEL),
                                    ("mlp.c_proj", 4 * D_MODEL, D_MODEL)]:
            tensors[f"h.{layer}.{name}.weight"] = normal(rows, columns, scale=0.05)
            tensors[f"h.{layer}.{name}.bias"] = normal(columns)
        for name in ("ln_1", "ln_2"):
            tensors[f"h.{layer}.{name}.weight"] = 1 + normal(D_MODEL)
            tensors[f"h.{layer}.{name}.bias"] = normal(D_MODEL)
    tensors["ln_f.weight"], tensors["ln_f.bias"] = 1 + normal(D_MODEL), normal(D_MODEL)
    folder.mkdir(parents=True, exist_ok=True)
    config = {"model_type": "gpt2", "n_layer": LAYERS, "n_head": HEADS, "n_embd": D_MODEL,
              "n_positions": N_CTX, "vocab_size": D_VOCAB, "layer_norm_epsilon": 1e-5,
              "activation_function": "gelu_new", "bos_token_id": 50256, "eos_token_id": 50256}
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    tokens = torch.randint(0, D_VOCAB, (10, 14), generator=generator)
    prompts.write_text(json.dumps(tokens.tolist()))
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def load(folder):
    from transformer_lens import HookedTransformer, HookedTransformerConfig

    cfg = HookedTransformerConfig(
        n_layers=LAYERS, n_heads=HEADS, d_model=D_MODEL, d_head=D_MODEL // HEADS,
        d_mlp=4 * D_MODEL, n_ctx=N_CTX, d_vocab=D_VOCAB, act_fn="gelu_new",
        normalization_type="LN", eps=1e-5, device="cpu", default_prepend_bos=False)
    model = HookedTransformer(cfg)
    raw, state = load_file(folder / "model.safetensors"), {}
    state["embed.W_E"], state["pos_embed.W_pos"] = raw["wte.weight"], raw["wpe.weight"]
    for layer in range(LAYERS):
        for ours, theirs in (("ln1", "ln_1"), ("ln2", "ln_2")):
            state[f"blocks.{layer}.{ours}.w"] = raw[f"h.{layer}.{theirs}.weight"]
            state[f"blocks.{layer}.{ours}.b"] = raw[f"h.{layer}.{theirs}.bias"]
        weight, bias = raw[f"h.{layer}.attn.c_attn.weight"], raw[f"h.{layer}.attn.c_attn.bias"]
        for part, letter in enumerate("QKV"):
            columns = slice(part * D_MODEL, (part + 1) * D_MODEL)
            heads = weight[:, columns].reshape(D_MODEL, HEADS, -1).permute(1, 0, 2)
            state[f"blocks.{layer}.attn.W_{letter}"] = heads.contiguous()
            state[f"blocks.{layer}.attn.b_{letter}"] = bias[columns].reshape(HEADS, -1)
        output = raw[f"h.{layer}.attn.c_proj.weight"].reshape(HEADS, -1, D_MODEL)
        state[f"blocks.{layer}.attn.W_O"] = output
        state[f"blocks.{layer}.attn.b_O"] = raw[f"h.{layer}.attn.c_proj.bias"]
        state[f"blocks.{layer}.mlp.W_in"] = raw[f"h.{layer}.mlp.c_fc.weight"]
        state[f"blocks.{layer}.mlp.b_in"] = raw[f"h.{layer}.mlp.c_fc.bias"]
        state[f"blocks.{layer}.mlp.W_out"] = raw[f"h.{layer}.mlp.c_proj.weight"]
        state[f"blocks.{layer}.mlp.b_out"] = raw[f"h.{layer}.mlp.c_proj.bias"]
    state["ln_final.w"], state["ln_final.b"] = raw["ln_f.weight"], raw["ln_f.bias"]
    state["unembed.W_U"], state["unembed.b_U"] = raw["wte.weight"].T, torch.zeros(D_VOCAB)
    model.load_and_process_state_dict(state, fold_ln=False, center_writing_weights=False,
                                      center_unembed=False, fold_value_biases=False)
    return model


def median_seconds(body, runs=11):
    body()
    seconds = []
    for _ in range(runs):
        begin = time.perf_counter()
        body()
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds)


def measure(folder, prompts, threads, npz):
    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    begin = time.perf_counter()
    model = load(folder)
    result = {"load": time.perf_counter() - begin}
    ten = torch.tensor(json.loads(prompts.read_text()))
    one = ten[:1]
    # TransformerLens always computes all logits: its time is the same whichever the caller reads.
    result["one_last"] = result["one_all"] = median_seconds(lambda: model(one))
    result["ten_last"] = result["ten_all"] = median_seconds(lambda: model(ten))
    ours = numpy.load(npz)
    difference = abs(model(ten)[:, -1].numpy() - ours["ten_last"]).max()
    difference = max(difference, abs(model(one)[0].numpy() - ours["one_all"]).max())
    result["difference"] = float(difference)
    print(json.dumps(result))


def patch(folder, prompts, threads, npz):
    """The sweeps of patching_timing.cpp, each patch one batched forward pass of ten prompts."""
    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    model = load(folder)
    clean = torch.tensor(json.loads(prompts.read_text()))
    rows = torch.arange(10)

    def corrupted(positions):
        other = clean.clone()
        for position in positions:
            other[:, position] = 1000 + 37 * rows + 1000 * len(positions) + position
        return other

    def logit_diff(logits):
        return (logits[rows, -1, 100 + rows] - logits[rows, -1, 300 + rows]).mean().item()

    def sweep(base, source, names, write):
        """One pass for each place, with one cached run of the source."""
        _, cache = model.run_with_cache(source)
        result = []
        for name, place in names:
            def hook(value, hook, place=place):
                write(value, cache[hook.name], place)
                return value
            result.append(logit_diff(model.run_with_hooks(base, fwd_hooks=[(name, hook)])))
        return result

    def write_head(value, source, head):
        value[:, :, head] = source[:, :, head]

    def write_position(value, source, position):
        value[:, position] = source[:, position]

    heads = [(f"blocks.{layer}.attn.hook_z", head) for layer in range(12) for head in range(12)]
    positions = [(f"blocks.{layer}.hook_resid_pre", position)
                 for layer in range(12) for position in range(14)]
    abc, lab = corrupted([1, 3, 9]), corrupted([9])

    def as_written():
        """Three passes a head: the clean run with its cache, the corrupted run, the patched run."""
        result = []
        for name, head in heads:
            _, cache = model.run_with_cache(clean)
            logit_diff(model(abc))
            def hook(value, hook, head=head):
                write_head(value, cache[hook.name], head)
                return value
            result.append(logit_diff(model.run_with_hooks(abc, fwd_hooks=[(name, hook)])))
        return result

    def paths(senders, receivers):
        """Wang et al. 2022, appendix B: all z frozen but the sender's at END, then the logits, or a
        second pass with the receivers' queries at END as they would have been."""
        clean_cache, other = model.run_with_cache(clean)[1], model.run_with_cache(abc)[1]

        def freeze(layer, head):
            def hook(z, hook):
                z[:] = clean_cache[hook.name]
                if hook.layer() == layer:
                    z[:, -1, head] = other[hook.name][:, -1, head]
                return z
            return [(f"blocks.{i}.attn.hook_z", hook) for i in range(LAYERS)]

        result = []
        for layer, head in senders:
            if not receivers:
                result.append(logit_diff(model.run_with_hooks(clean, fwd_hooks=freeze(layer, head))))
                continue
            queries = {}
            def record(q, hook):
                queries[hook.layer()] = q.clone()
            names = {f"blocks.{i}.attn.hook_q" for i, _ in receivers}
            model.run_with_hooks(clean, return_type=None, fwd_hooks=[
                (name, record) for name in names] + freeze(layer, head))
            def write(q, hook):
                for i, receiver in receivers:
                    if i == hook.layer():
                        q[:, -1, receiver] = queries[i][:, -1, receiver]
                return q
            result.append(logit_diff(model.run_with_hooks(
                clean, fwd_hooks=[(name, write) for name in names])))
        return result

    every = [(layer, head) for layer in range(12) for head in range(12)]
    cases = {"paths_to_logits": lambda: paths(every, []),
             "paths_to_queries": lambda: paths(every[:120], [(9, 9), (9, 6), (10, 0)]),
             "walkthrough": lambda: sweep(abc, clean, heads, write_head),
             "resid_pre": lambda: sweep(abc, clean, positions, write_position),
             "lab_heads": lambda: sweep(clean, lab, heads, write_head),
             "walkthrough_as_written": as_written}
    ours, result = numpy.load(npz), {}
    for name, case in cases.items():
        model(clean)
        begin = time.perf_counter()
        values = case()
        seconds = time.perf_counter() - begin
        expected = ours[name.removesuffix("_as_written")]
        result[name] = {"seconds": seconds,
                        "difference": float(abs(numpy.array(values) - expected).max())}
    print(json.dumps(result))


if __name__ == "__main__":
    verb, paths = sys.argv[1], [pathlib.Path(a) for a in sys.argv[2:4]]
    if verb == "write":
        write(*paths)
    elif verb == "patch":
        patch(*paths, int(sys.argv[4]), sys.argv[5])
    else:
        measure(*paths, int(sys.argv[4]), sys.argv[5])
