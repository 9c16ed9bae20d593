"""GGUF files."""

import struct

from malformed_files import malformed

U32, I32, F32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9


def text(value):
    encoded = value if isinstance(value, bytes) else value.encode()
    return struct.pack("<Q", len(encoded)) + encoded


def gguf_entries():
    numbers = {"block_count": 1, "context_length": 16, "embedding_length": 64, "feed_forward_length": 96,
               "attention.head_count": 4, "attention.head_count_kv": 2}
    return {"general.architecture": (STRING, text("llama")),
            **{f"llama.{key}": (U32, struct.pack("<I", n)) for key, n in numbers.items()},
            "llama.attention.layer_norm_rms_epsilon": (F32, struct.pack("<f", 1e-5))}


def gguf(entries=None, shapes=None, version=3, magic=b"GGUF", counts=None, offsets=None, cut=None, tail=b"", kinds=None):
    entries = gguf_entries() if entries is None else entries
    shapes = {"token_embd.weight": [64, 32], "output_norm.weight": [64]} if shapes is None else shapes
    shapes = list(shapes.items()) if isinstance(shapes, dict) else shapes
    listed = list(entries.items()) if isinstance(entries, dict) else entries
    n_tensors, n_entries = counts or (len(shapes), len(listed))
    head = magic + struct.pack("<IQQ", version, n_tensors, n_entries)
    for key, (kind, value) in listed:
        head += text(key) + struct.pack("<I", kind) + value
    offset = 0
    for i, (name, shape) in enumerate(shapes):
        kind = (kinds or {}).get(i, 0)
        head += text(name) + struct.pack("<I", len(shape))
        head += struct.pack(f"<{len(shape)}QIQ", *shape, kind, (offsets or {}).get(i, offset))
        size = 4
        for extent in shape:
            size = size * extent % 2**32
        offset += -(-size // 32) * 32
    whole = head + bytes(-len(head) % 32) + bytes(min(offset, 2**20)) + tail
    return ["model", "info", "{}/m.gguf"], {"m.gguf": whole[:cut] if cut is not None else whole}


@malformed()
def gguf_wrong_magic(random):
    return gguf(magic=random.choice([b"GGML", b"ggjt", b"FUGG", b"\x00" * 4, b"PK\x03\x04"]))


@malformed()
def gguf_wrong_version(random):
    return gguf(version=random.choice([0, 1, 4, 7, 2**31, 3 << 24]))


@malformed()
def gguf_cut_off(random):
    whole = gguf()[1]["m.gguf"]
    return gguf(cut=random.randrange(len(whole) - 300))


@malformed()
def gguf_counts_beyond_the_file(random):
    counts = [2, 8]
    counts[random.randrange(2)] = random.randrange(10**6, 2**64)
    return gguf(counts=counts)


@malformed()
def gguf_key_longer_than_the_file(random):
    entries = list(gguf_entries().items())
    return gguf(entries=entries + [("x", (STRING, struct.pack("<Q", random.randrange(2**30, 2**64)) + b"x"))])


@malformed()
def gguf_key_twice(random):
    entries = list(gguf_entries().items())
    return gguf(entries=entries + [random.choice(entries)])


@malformed()
def gguf_key_that_is_no_name(random):
    return gguf(entries=list(gguf_entries().items()) + [(random.choice([b"", b"\xff\xfe", b"x" * 70000]), (U32, bytes(4)))])


@malformed()
def gguf_value_of_an_unknown_type(random):
    return gguf(entries={**gguf_entries(), "x": (random.randrange(13, 2**32), bytes(8))})


@malformed()
def gguf_bool_that_is_neither(random):
    return gguf(entries={**gguf_entries(), "x": (BOOL, bytes([random.randrange(2, 256)]))})


@malformed()
def gguf_array_of_arrays(random):
    return gguf(entries={**gguf_entries(), "x": (ARRAY, struct.pack("<IQ", ARRAY, random.randrange(1, 9)) + bytes(99))})


@malformed()
def gguf_array_longer_than_the_file(random):
    kind = random.choice([U32, STRING, BOOL])
    return gguf(entries={**gguf_entries(), "x": (ARRAY, struct.pack("<IQ", kind, random.randrange(10**6, 2**64)))})


@malformed()
def gguf_alignment_that_is_none(random):
    return gguf(entries={**gguf_entries(), "general.alignment": (U32, struct.pack("<I", random.choice([0, 1, 3, 12, 33, 2**31])))})


@malformed()
def gguf_axes_without_elements(random):
    return gguf(shapes={"token_embd.weight": [64, 0] if random.random() < 0.5 else [0]})


@malformed()
def gguf_numbers_of_axes(random):
    return gguf(shapes={"token_embd.weight": [2] * random.randrange(5, 40)})


@malformed()
def gguf_shape_overflows(random):
    return gguf(shapes={"token_embd.weight": [2**random.randrange(33, 62), 2**random.randrange(33, 62)]})


@malformed()
def gguf_tensor_twice(random):
    return gguf(shapes=[("token_embd.weight", [64, 32]), ("a", [64]), (random.choice(["token_embd.weight", "a"]), [64])])


@malformed()
def gguf_tensor_of_an_unknown_type(random):
    return gguf(kinds={random.randrange(2): random.choice([4, 5, 31, 99, 2**31])})


@malformed()
def gguf_tensor_misplaced(random):
    return gguf(offsets={1: random.choice([1, 7, 32, 64, 2**20, 2**63, 2**64 - 32])})


@malformed()
def gguf_bytes_after_the_last(random):
    return gguf(tail=bytes(random.randrange(64, 999)))


@malformed()
def gguf_of_another_architecture(random):
    return gguf(entries={**gguf_entries(), "general.architecture": (STRING, text(random.choice(["falcon", "", "LLAMA", "gptj"])))})


@malformed((65, 78))
def gguf_key_missing(random):
    entries = gguf_entries()
    del entries[random.choice([key for key in entries if "_kv" not in key and "context" not in key])]
    return gguf(entries=entries)


@malformed((65, 78))
def gguf_key_of_another_type(random):
    key = random.choice([key for key in gguf_entries() if key.startswith("llama.") and "epsilon" not in key])
    return gguf(entries={**gguf_entries(), key: random.choice([(STRING, text("7")), (F32, bytes(4)), (BOOL, b"\x01")])})
