#!/usr/bin/env python3
"""Writes what TransformerLens says of tiny-gpt2's residual stream and head circuits, in float64.

    python3 -m venv build/golden && build/golden/bin/pip install transformer-lens==2.16.1
    build/golden/bin/python scripts/make_tiny_gpt2_analysis_golden.py

reads tests/golden/tiny-gpt2/{config.json,model.safetensors,reference.safetensors} and writes
analysis.safetensors beside them. Nothing is downloaded. The weights are the checkpoint's own,
neither folded nor centred. Stacks are kept at the last position only: [component, batch, d_model];
the labels of each stack are in the file's metadata, separated by spaces.
"""

import json
import pathlib

import torch
from einops import rearrange
from safetensors.torch import load_file, save_file
from transformer_lens import FactoredMatrix, HookedTransformer, HookedTransformerConfig

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "tiny-gpt2"


def load_model():
    """The checkpoint as a HookedTransformer in float64."""
    hub = json.loads((FOLDER / "config.json").read_text())
    cfg = HookedTransformerConfig(
        n_layers=hub["n_layer"], n_heads=hub["n_head"], d_model=hub["n_embd"],
        d_head=hub["n_embd"] // hub["n_head"], d_mlp=4 * hub["n_embd"], n_ctx=hub["n_positions"],
        d_vocab=hub["vocab_size"], act_fn=hub["activation_function"],
        eps=hub["layer_norm_epsilon"], normalization_type="LN", dtype=torch.float64, device="cpu")
    raw = {k: v.double() for k, v in load_file(FOLDER / "model.safetensors").items()}
    state = {
        "embed.W_E": raw["wte.weight"],
        "pos_embed.W_pos": raw["wpe.weight"],
        "ln_final.w": raw["ln_f.weight"],
        "ln_final.b": raw["ln_f.bias"],
        "unembed.W_U": raw["wte.weight"].T,
        "unembed.b_U": torch.zeros(cfg.d_vocab, dtype=torch.float64),
    }
    for layer in range(cfg.n_layers):
        ours, theirs = f"blocks.{layer}.", f"h.{layer}."
        weights = raw[theirs + "attn.c_attn.weight"].chunk(3, dim=1)
        biases = raw[theirs + "attn.c_attn.bias"].chunk(3)
        for name, weight, bias in zip("QKV", weights, biases):
            state[f"{ours}attn.W_{name}"] = rearrange(weight, "m (i h) -> i m h", i=cfg.n_heads)
            state[f"{ours}attn.b_{name}"] = rearrange(bias, "(i h) -> i h", i=cfg.n_heads)
        state[ours + "attn.W_O"] = rearrange(
            raw[theirs + "attn.c_proj.weight"], "(i h) m -> i h m", i=cfg.n_heads)
        state[ours + "attn.b_O"] = raw[theirs + "attn.c_proj.bias"]
        for half in "12":
            state[f"{ours}ln{half}.w"] = raw[f"{theirs}ln_{half}.weight"]
            state[f"{ours}ln{half}.b"] = raw[f"{theirs}ln_{half}.bias"]
        state[ours + "mlp.W_in"] = raw[theirs + "mlp.c_fc.weight"]
        state[ours + "mlp.b_in"] = raw[theirs + "mlp.c_fc.bias"]
        state[ours + "mlp.W_out"] = raw[theirs + "mlp.c_proj.weight"]
        state[ours + "mlp.b_out"] = raw[theirs + "mlp.c_proj.bias"]
    model = HookedTransformer(cfg)
    model.load_and_process_state_dict(
        state, fold_ln=False, center_writing_weights=False, center_unembed=False,
        fold_value_biases=False)
    return model


def stacks(cache):
    """name → (stack at the last position [component, batch, d_model], labels)."""
    end = {"pos_slice": -1, "return_labels": True}
    return {
        "accumulated_resid": cache.accumulated_resid(incl_mid=True, **end),
        "accumulated_resid.layer_2": cache.accumulated_resid(layer=2, **end),
        "accumulated_resid.layer_1_mlp_input":
            cache.accumulated_resid(layer=1, mlp_input=True, **end),
        "decompose_resid": cache.decompose_resid(**end),
        "decompose_resid.layer_2_mlp_input":
            cache.decompose_resid(layer=2, mlp_input=True, **end),
        "decompose_resid.attn": cache.decompose_resid(mode="attn", incl_embeds=False, **end),
        "decompose_resid.mlp": cache.decompose_resid(mode="mlp", **end),
        "stack_head_results": cache.stack_head_results(incl_remainder=True, **end),
        "stack_head_results.layer_1": cache.stack_head_results(layer=1, **end),
        "stack_neuron_results": cache.stack_neuron_results(
            layer=2, neuron_slice=[0, 7, 127], incl_remainder=True, **end),
    }


def main():
    reference = load_file(FOLDER / "reference.safetensors")
    tokens = reference["tokens.clean"]
    answer, wrong = reference["tokens.answer"], reference["tokens.wrong"]
    model = load_model()
    with torch.no_grad():
        logits, cache = model.run_with_cache(tokens)
        gap = (logits - reference["logits"]).abs().max().item()
        if gap > 1e-10:
            raise SystemExit(f"the logits differ from reference.safetensors by {gap}")
        # Makes hook_result without a hook, as TransformerLens itself does.
        cache.compute_head_results()

        golden, labels = {}, {}
        for name, (stack, stack_labels) in stacks(cache).items():
            golden[name] = stack
            labels[name] = " ".join(stack_labels)
        golden["apply_ln_to_stack"] = cache.apply_ln_to_stack(
            golden["decompose_resid"], pos_slice=-1)
        golden["apply_ln_to_stack.layer_2_mlp_input"] = cache.apply_ln_to_stack(
            golden["decompose_resid.layer_2_mlp_input"], layer=2, mlp_input=True, pos_slice=-1)
        for name in ("decompose_resid", "stack_head_results", "accumulated_resid"):
            golden[f"logit_attrs.{name}"] = cache.logit_attrs(
                golden[name], tokens=answer, incorrect_tokens=wrong, pos_slice=-1)
        golden["logit_attrs.one_token"] = cache.logit_attrs(
            golden["decompose_resid"], tokens=answer, pos_slice=-1)
        golden["logit_attrs.next_tokens"] = cache.logit_attrs(
            cache.decompose_resid(), tokens=tokens.roll(-1, dims=1))

        for mode in "QKV":
            golden[f"composition_scores.{mode}"] = model.all_composition_scores(mode)
        golden["OV.norm"] = model.OV.norm()
        golden["QK.norm"] = model.QK.norm()
        eigenvalues = FactoredMatrix(model.W_E @ model.W_V, model.W_O @ model.W_U).eigenvalues
        golden["full_OV.eigenvalue_sum"] = eigenvalues.sum(dim=-1).real
        golden["full_OV.eigenvalue_abs_sum"] = eigenvalues.abs().sum(dim=-1)
        QK_eigenvalues = model.QK.eigenvalues
        golden["QK.eigenvalue_sum"] = QK_eigenvalues.sum(dim=-1).real
        golden["QK.eigenvalue_abs_sum"] = QK_eigenvalues.abs().sum(dim=-1)

    golden = {name: tensor.contiguous() for name, tensor in golden.items()}
    save_file(golden, FOLDER / "analysis.safetensors", metadata=labels)


if __name__ == "__main__":
    main()
