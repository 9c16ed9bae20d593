"""GPT-2 in PyTorch, small and open: training, float64 references and the study of its heads."""

import json
import math
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

FOLDER = Path(__file__).parent
END_OF_TEXT = "<|endoftext|>"
EPS = 1e-5

SIZES = {"n_layer": 5, "n_head": 4, "n_embd": 128, "n_positions": 64}


def config(d_vocab):
    return {
        "model_type": "gpt2", "architectures": ["GPT2LMHeadModel"],
        "activation_function": "gelu_new", **SIZES, "n_ctx": SIZES["n_positions"],
        "n_inner": 4 * SIZES["n_embd"], "vocab_size": d_vocab, "layer_norm_epsilon": EPS,
        "attn_pdrop": 0.0, "embd_pdrop": 0.0, "resid_pdrop": 0.0,
        "bos_token_id": d_vocab - 1, "eos_token_id": d_vocab - 1, "tie_word_embeddings": True,
    }


class Affine(nn.Module):
    """x W + b with W as GPT-2's checkpoints hold it, [in, out]."""

    def __init__(self, d_in, d_out, std):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(d_in, d_out) * std)
        self.bias = nn.Parameter(torch.zeros(d_out))

    def forward(self, x):
        return x @ self.weight + self.bias


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        d_model = cfg["n_embd"]
        self.n_head = cfg["n_head"]
        self.c_attn = Affine(d_model, 3 * d_model, 0.088)
        self.c_proj = Affine(d_model, d_model, 0.088 / math.sqrt(2 * cfg["n_layer"]))

    def forward(self, x, look, window):
        batch, pos, d_model = x.shape
        q, k, v = (t.view(batch, pos, self.n_head, -1).transpose(1, 2)  # [batch, head, pos, d_head]
                   for t in self.c_attn(x).split(d_model, dim=-1))
        if window is not None:
            near = torch.ones(pos, pos, dtype=torch.bool).tril().triu(1 - window)
            z = F.scaled_dot_product_attention(q, k, v, attn_mask=near)
        elif look is None:
            z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
            future = torch.ones(pos, pos, dtype=torch.bool).triu(1)
            pattern = look("pattern", scores.masked_fill(future, -math.inf).softmax(-1))
            z = look("z", pattern @ v)
        return self.c_proj(z.transpose(1, 2).reshape(batch, pos, d_model))


class Mlp(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        d_model = cfg["n_embd"]
        d_mlp = cfg["n_inner"]
        self.c_fc = Affine(d_model, d_mlp, 0.088)
        self.c_proj = Affine(d_mlp, d_model, d_mlp**-0.5 / math.sqrt(2 * cfg["n_layer"]))

    def forward(self, x):
        return self.c_proj(F.gelu(self.c_fc(x), approximate="tanh"))


class Block(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.ln_1 = nn.LayerNorm(cfg["n_embd"], eps=EPS)
        self.attn = Attention(cfg)
        self.ln_2 = nn.LayerNorm(cfg["n_embd"], eps=EPS)
        self.mlp = Mlp(cfg)

    def forward(self, x, look=None, window=None):
        x = x + self.attn(self.ln_1(x), look, window)
        return x + self.mlp(self.ln_2(x))


def waves(n_positions, d_model):
    """Positions as sines and cosines, a start from which they are learned: an offset, such as "the
    token before", is then a rotation that a head finds quickly."""
    pos = torch.arange(n_positions)[:, None]
    angles = pos / 100.0 ** (torch.arange(d_model // 2) / (d_model // 2))
    return 0.02 * torch.cat([angles.sin(), angles.cos()], dim=1)


class Gpt2(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.wte = nn.Embedding(cfg["vocab_size"], cfg["n_embd"])
        self.wpe = nn.Embedding(cfg["n_positions"], cfg["n_embd"])
        nn.init.normal_(self.wte.weight, std=0.02)
        self.wpe.weight.data = waves(cfg["n_positions"], cfg["n_embd"])
        self.h = nn.ModuleList(Block(cfg) for _ in range(cfg["n_layer"]))
        self.ln_f = nn.LayerNorm(cfg["n_embd"], eps=EPS)

    def residual(self, tokens, look=None, first=0, window=None):
        """The stream after the last block. `look(layer, name, value)` sees and may replace each
        head's attention pattern and z. For training, the tokens may begin at position `first`, and
        the first layer's heads may see no more than the last `window` tokens."""
        x = self.wte(tokens) + self.wpe(torch.arange(first, first + tokens.shape[1]))
        for layer, block in enumerate(self.h):
            x = block(x, look and (lambda name, value, at=layer: look(at, name, value)),
                      window if layer == 0 else None)
        return x

    def forward(self, tokens, look=None, first=0, window=None):
        return self.ln_f(self.residual(tokens, look, first, window)) @ self.wte.weight.T


def save(model, folder=FOLDER):
    """Half precision halves the file; what is evaluated later is what was stored."""
    halves = {name: tensor.half().contiguous() for name, tensor in model.state_dict().items()}
    save_file(halves, str(folder / "model.safetensors"), metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(model.cfg, indent=2) + "\n")


def load(folder=FOLDER, dtype=torch.float32):
    model = Gpt2(json.loads((folder / "config.json").read_text()))
    stored = load_file(str(folder / "model.safetensors"))
    model.load_state_dict({name: tensor.to(dtype) for name, tensor in stored.items()}, assign=True)
    return model.eval().requires_grad_(False)
