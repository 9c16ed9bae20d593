"""TransformerLens: HookedTransformer in version 2, TransformerBridge from version 4 on."""
import importlib.metadata
import pathlib

from pytorch_timing import load_hugging_face

VERSION = int(importlib.metadata.version("transformer-lens").split(".")[0])


def hooked_transformer(model):
    """A HookedTransformer with raw weights; the library's own loader wants to ask the network for a config."""
    import torch
    from transformer_lens import HookedTransformer, HookedTransformerConfig
    from transformer_lens.pretrained import weight_conversions

    hf = model.config
    gpt2 = hf.model_type == "gpt2"
    sizes = dict(n_layers=hf.num_hidden_layers, n_heads=hf.num_attention_heads, d_model=hf.hidden_size,
                 d_head=hf.hidden_size // hf.num_attention_heads, d_vocab=hf.vocab_size, device="cpu",
                 default_prepend_bos=False)
    if gpt2:
        cfg = HookedTransformerConfig(**sizes, d_mlp=4 * hf.hidden_size, n_ctx=hf.n_positions, act_fn="gelu_new",
                                      normalization_type="LN", eps=hf.layer_norm_epsilon)
        state = weight_conversions.convert_gpt2_weights(model, cfg)
        state["unembed.b_U"] = torch.zeros(cfg.d_vocab)
    else:
        cfg = HookedTransformerConfig(
            **sizes, d_mlp=hf.intermediate_size, n_ctx=64, act_fn="silu", normalization_type="RMS",
            eps=hf.rms_norm_eps, n_key_value_heads=hf.num_key_value_heads, gated_mlp=True, final_rms=True,
            positional_embedding_type="rotary", rotary_adjacent_pairs=False, rotary_base=int(hf.rope_theta),
            rotary_dim=hf.hidden_size // hf.num_attention_heads)
        state = weight_conversions.convert_llama_weights(model, cfg)
    hooked = HookedTransformer(cfg)
    hooked.load_and_process_state_dict(state, fold_ln=False, center_writing_weights=False, center_unembed=False,
                                       fold_value_biases=False)
    return hooked


def bridge(folder, model):
    from transformer_lens.model_bridge import TransformerBridge
    from transformers import AutoTokenizer

    tokenizer = pathlib.Path(f"{folder}-tokenizer")
    return TransformerBridge.boot_transformers(
        folder, hf_model=model, device="cpu",
        tokenizer=AutoTokenizer.from_pretrained(tokenizer) if tokenizer.is_dir() else None)


NAMES = {"z": "blocks.{}.attn.hook_z", "q": "blocks.{}.attn.hook_q", "resid_pre": "blocks.{}.hook_resid_pre"}


class Tool:
    def __init__(self, folder):
        model = load_hugging_face(folder)
        self.n_layers, self.n_heads = model.config.num_hidden_layers, model.config.num_attention_heads
        self.model = hooked_transformer(model) if VERSION < 4 else bridge(folder, model)

    def logits(self, tokens):
        return self.model(tokens)

    def cache(self, tokens):
        return self.model.run_with_cache(tokens)[1]

    def by_head(self, site, value):
        return value if site == "resid_pre" or value.dim() == 4 else value.unflatten(-1, (self.n_heads, -1))

    def run(self, tokens, edits, record):
        recorded = {}

        def change(site, write):
            def hook(value, hook):
                write(self.by_head(site, value))
                return value
            return hook

        def keep(site, layer):
            def hook(value, hook):
                recorded[site, layer] = self.by_head(site, value).clone()
                return value
            return hook

        hooks = [(NAMES[site].format(layer), change(site, write)) for site, layer, write in edits]
        hooks += [(NAMES[site].format(layer), keep(site, layer)) for site, layer in record]
        return self.model.run_with_hooks(tokens, fwd_hooks=hooks), recorded
