"""PyTorch eager: Hugging Face's own model, edited and read by module hooks."""
import torch
from transformers import AutoModelForCausalLM


def load_hugging_face(folder):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    return model.eval()


class Modules:
    """Where the sites are in Hugging Face's GPT-2 and LLaMA."""

    def __init__(self, model):
        self.config = model.config
        self.is_gpt2 = model.config.model_type == "gpt2"
        self.n_layers, self.n_heads = model.config.num_hidden_layers, model.config.num_attention_heads
        self.d_model = model.config.hidden_size

    def block(self, model, layer):
        return model.transformer.h[layer] if self.is_gpt2 else model.model.layers[layer]

    def queries(self, model, layer):
        block = self.block(model, layer)
        return block.attn.c_attn if self.is_gpt2 else block.self_attn.q_proj

    def output(self, model, layer):
        block = self.block(model, layer)
        return block.attn.c_proj if self.is_gpt2 else block.self_attn.o_proj

    def by_head(self, site, value):
        """A view of what a module takes or gives, as the site's axes say."""
        if site == "resid_pre":
            return value
        return value[..., :self.d_model].unflatten(-1, (self.n_heads, -1))


class Tool:
    def __init__(self, folder):
        self.model = load_hugging_face(folder)
        self.modules = Modules(self.model)
        self.n_layers, self.n_heads = self.modules.n_layers, self.modules.n_heads

    def logits(self, tokens):
        return self.model(tokens, use_cache=False).logits

    def run(self, tokens, edits, record):
        recorded, handles = {}, []

        def at(site, layer, see):
            if site == "q":
                module = self.modules.queries(self.model, layer)
                return module.register_forward_hook(lambda _, __, out: see(self.modules.by_head(site, out)))
            module = (self.modules.output if site == "z" else self.modules.block)(self.model, layer)
            return module.register_forward_pre_hook(lambda _, args: see(self.modules.by_head(site, args[0])))

        def keep(site, layer):
            def see(value):
                recorded[site, layer] = value.clone()
            return see

        def change(write):
            def see(value):
                write(value)
            return see

        # Edits first: what is recorded is what the rest of the pass sees.
        handles += [at(site, layer, change(write)) for site, layer, write in edits]
        handles += [at(site, layer, keep(site, layer)) for site, layer in record]
        try:
            return self.logits(tokens), recorded
        finally:
            for handle in handles:
                handle.remove()
