"""Makes what bench/peers/compare.py compares on: python make_models.py FOLDER SMOLLM2.gguf

FOLDER/gpt2-small-made-up: GPT-2 small's sizes with made-up weights. FOLDER/smollm2: SmolLM2-135M,
dequantised to 32-bit floats. FOLDER/*.json: twenty prompts of fourteen random tokens for each. Both
models are in Hugging Face's layout, which every tool reads.
"""
import json
import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel


def write_prompts(folder, name, vocabulary):
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(0, vocabulary, (20, 14), generator=generator)
    (folder / f"{name}.json").write_text(json.dumps(tokens.tolist()))


def main():
    folder, gguf = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config())
    with torch.no_grad():
        for name, weight in model.named_parameters():
            # Larger than at the start of a training, so that heads matter.
            if weight.dim() == 2 and "wte" not in name and "wpe" not in name:
                weight.normal_(0, 0.05)
            elif name.endswith("bias"):
                weight.normal_(0, 0.02)
    model.save_pretrained(folder / "gpt2-small-made-up")
    write_prompts(folder, "gpt2-small-made-up", model.config.vocab_size)
    model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    model.save_pretrained(folder / "smollm2")
    # TransformerLens 4 wants one, even for token ids. In transformers' own form, which only it reads.
    AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(folder / "smollm2-tokenizer")
    write_prompts(folder, "smollm2", model.config.vocab_size)


if __name__ == "__main__":
    main()
