"""Models that tests write, and files of numbers that the command writes."""

import ast
import json
import math
import struct
import zipfile


def read_npz(path):
    """{name: (shape, values)} of an archive of little-endian floats and 64-bit integers."""
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        for entry in archive.namelist():
            data = archive.read(entry)
            assert data[:8] == b"\x93NUMPY\x01\x00" and entry.endswith(".npy")
            end = 10 + struct.unpack("<H", data[8:10])[0]
            header = ast.literal_eval(data[10:end].decode())
            assert header["fortran_order"] is False and end % 64 == 0
            kind = {"<f4": "f", "<i8": "q"}[header["descr"]]
            count = math.prod(header["shape"])
            values = struct.unpack(f"<{count}{kind}", data[end:])
            arrays[entry[:-4]] = (list(header["shape"]), values)
    return arrays


def read_safetensors(path):
    """{name: (shape, values)} of a safetensors file of F32, F64 and I64."""
    data = path.read_bytes()
    begin = 8 + struct.unpack("<Q", data[:8])[0]
    arrays = {}
    for name, info in json.loads(data[8:begin]).items():
        if name == "__metadata__":
            continue
        kind = {"F32": "f", "F64": "d", "I64": "q"}[info["dtype"]]
        values = struct.unpack_from(f"<{math.prod(info['shape'])}{kind}", data,
                                    begin + info["data_offsets"][0])
        arrays[name] = (info["shape"], values)
    return arrays


def nmse(values, expected):
    """Normalised mean square error; what is infinite must be the same on both sides."""
    assert len(values) == len(expected) > 0
    assert all(a == b for a, b in zip(values, expected) if math.isinf(a) or math.isinf(b))
    pairs = [(a, b) for a, b in zip(values, expected) if not math.isinf(b)]
    error, power = sum((a - b) ** 2 for a, b in pairs), sum(b * b for _, b in pairs)
    return error / power if power else error


def write_gguf(path, tokenizer):
    """A llama model of one layer whose weights are all zero, in llama.cpp's format: matrices are in
    blocks of Q8_0, and the tokenizer is that of a tokenizer.json."""
    def text(value):
        return struct.pack("<Q", len(value.encode())) + value.encode()

    def array(kind, values):
        return struct.pack("<IQ", kind, len(values)) + b"".join(values)

    uint32, int32, float32, string, listed = 4, 5, 6, 8, 9
    tokenizer = json.loads(tokenizer.read_text())
    special = {token["id"]: token["content"] for token in tokenizer["added_tokens"]}
    tokens = {**{i: token for token, i in tokenizer["model"]["vocab"].items()}, **special}
    merges = [merge if isinstance(merge, str) else " ".join(merge)
              for merge in tokenizer["model"]["merges"]]
    numbers = {"block_count": 1, "context_length": 16, "embedding_length": 64,
               "feed_forward_length": 96, "attention.head_count": 4, "attention.head_count_kv": 2}
    entries = {"general.architecture": (string, text("llama")),
               **{f"llama.{key}": (uint32, struct.pack("<I", n)) for key, n in numbers.items()},
               "llama.attention.layer_norm_rms_epsilon": (float32, struct.pack("<f", 0.5)),
               "llama.rope.freq_base": (float32, struct.pack("<f", 50000)),
               "tokenizer.ggml.model": (string, text("gpt2")),
               "tokenizer.ggml.pre": (string, text("gpt-2")),
               "tokenizer.ggml.tokens": (listed, array(string, [
                   text(tokens[i]) for i in range(len(tokens))])),
               "tokenizer.ggml.token_type": (listed, array(int32, [
                   struct.pack("<i", 3 if i in special else 1) for i in range(len(tokens))])),
               "tokenizer.ggml.merges": (listed, array(string, [text(merge) for merge in merges])),
               "tokenizer.ggml.bos_token_id": (uint32, struct.pack("<I", 299))}
    shapes = {"token_embd": [64, len(tokens)], "output_norm": [64], "blk.0.attn_norm": [64],
              "blk.0.attn_q": [64, 64], "blk.0.attn_k": [64, 32], "blk.0.attn_v": [64, 32],
              "blk.0.attn_output": [64, 64], "blk.0.ffn_norm": [64], "blk.0.ffn_gate": [64, 96],
              "blk.0.ffn_up": [64, 96], "blk.0.ffn_down": [96, 64]}
    head = b"GGUF" + struct.pack("<IQQ", 3, len(shapes), len(entries))
    for key, (kind, value) in entries.items():
        head += text(key) + struct.pack("<I", kind) + value
    offset = 0
    for name, shape in shapes.items():
        kind = 0 if len(shape) == 1 else 8  # F32, Q8_0
        head += text(name + ".weight") + struct.pack("<I", len(shape))
        head += struct.pack(f"<{len(shape)}QIQ", *shape, kind, offset)
        size = 4 * shape[0] if kind == 0 else math.prod(shape) // 32 * 34
        offset += -(-size // 32) * 32
    path.write_bytes(head + bytes(-len(head) % 32) + bytes(offset))


def write_model(folder, n_layers, d_model, n_ctx):
    """A gpt2 checkpoint of 16 tokens whose weights are all zero, without a tokenizer."""
    shapes = {"wte.weight": [16, d_model], "wpe.weight": [n_ctx, d_model]}
    parts = {"ln_1": [d_model], "attn.c_attn": [d_model, 3 * d_model],
             "attn.c_proj": [d_model, d_model], "ln_2": [d_model],
             "mlp.c_fc": [d_model, 4 * d_model], "mlp.c_proj": [4 * d_model, d_model]}
    names = {f"h.{i}.{part}": shape for i in range(n_layers) for part, shape in parts.items()}
    for name, shape in {**names, "ln_f": [d_model]}.items():
        shapes[name + ".weight"], shapes[name + ".bias"] = shape, shape[-1:]
    header, offset = {}, 0
    for name, shape in shapes.items():
        end = offset + 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(
        struct.pack("<Q", len(text)) + text + bytes(offset))
    (folder / "config.json").write_text(json.dumps({
        "model_type": "gpt2", "n_layer": n_layers, "n_head": 4, "n_embd": d_model,
        "n_positions": n_ctx, "vocab_size": 16}))
