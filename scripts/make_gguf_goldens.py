#!/usr/bin/env python3
"""Makes tests/golden/gguf: valid files by the package gguf, and damaged ones byte by byte.

    python3 -m venv build/gguf-goldens
    build/gguf-goldens/bin/pip install gguf==0.19.0
    build/gguf-goldens/bin/python scripts/make_gguf_goldens.py

types.gguf        a tensor of every type that is read: random bytes with finite scales
types.json        the bits of the floats that gguf.quants.dequantize gives for them
values.gguf       metadata of every type of value
malformed/*.gguf  one broken rule each; manifest.json says what the error must contain
"""
import json
import pathlib
import struct

import gguf
import numpy as np

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "tests" / "golden" / "gguf"

# ---- valid files, by the package ----------------------------------------------------------------

# Where the 16-bit scales of a block are.
SCALES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0],
          "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}
PLAIN = {"F32": np.float32, "F16": np.float16}


def finite_half(rng):
    """A random binary16 code, subnormal ones too, that is no infinity and no NaN."""
    while True:
        code = int(rng.integers(0, 1 << 16))
        if code & 0x7C00 != 0x7C00:
            return struct.pack("<H", code)


def random_blocks(rng, name, count):
    size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name]][1]
    blocks = []
    for _ in range(count):
        block = bytearray(rng.bytes(size))
        for place in SCALES[name]:
            block[place:place + 2] = finite_half(rng)
        blocks.append(bytes(block))
    return b"".join(blocks)


def make_types():
    rng = np.random.default_rng(20260727)
    writer = gguf.GGUFWriter(GOLDEN / "types.gguf", "golden")
    expected = {}

    def add(name, data, kind, floats):
        writer.add_tensor(f"{name}.weight", data, raw_dtype=kind)
        expected[f"{name}.weight"] = {
            "shape": list(floats.shape),
            "bits": [f"{bits:08x}" for bits in floats.astype(np.float32).view(np.uint32).flatten().tolist()]}

    for name in [*PLAIN, "BF16", *SCALES]:
        kind = gguf.GGMLQuantizationType[name]
        elements = gguf.GGML_QUANT_SIZES[kind][0]
        if name in PLAIN:
            codes = rng.standard_normal((3, 7)).astype(PLAIN[name])
            codes[0, :2] = [-0.0, np.finfo(PLAIN[name]).smallest_subnormal]
            add(name, codes, kind, codes.astype(np.float32))
        elif name == "BF16":
            codes = (rng.standard_normal((3, 8)).astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
            codes[0, :2] = [0x8000, 0x0001]
            add(name, codes.view(np.uint8), kind, gguf.quants.dequantize(codes.view(np.uint8), kind))
        else:
            rows, blocks = (2, 1) if elements == 256 else (4, 2)
            data = np.frombuffer(random_blocks(rng, name, rows * blocks), np.uint8).reshape(rows, -1)
            add(name, data, kind, gguf.quants.dequantize(data, kind))
    # Shapes of other ranks, and types that are listed only.
    add("vector", np.arange(5, dtype=np.float32), None, np.arange(5))
    cube = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    add("cube", cube, None, cube)
    add("double", np.array([[0.1, -1e-300]]), None, np.array([[0.1, -1e-300]], np.float32))
    writer.add_tensor("integers", np.arange(6, dtype=np.int32).reshape(2, 3))
    finish(writer)
    text = json.dumps(expected, separators=(",", ":")).replace('},"', '},\n"') + "\n"
    (GOLDEN / "types.json").write_text(text)


def make_values():
    writer = gguf.GGUFWriter(GOLDEN / "values.gguf", "golden")
    writer.add_custom_alignment(64)
    kind = gguf.GGUFValueType
    for name, value, of in [
            ("uint8", 255, kind.UINT8), ("int8", -128, kind.INT8), ("uint16", 65535, kind.UINT16),
            ("int16", -32768, kind.INT16), ("uint32", 2**32 - 1, kind.UINT32),
            ("int32", -2**31, kind.INT32), ("uint64", 2**64 - 1, kind.UINT64),
            ("int64", -2**63, kind.INT64), ("float32", 0.1, kind.FLOAT32),
            ("float64", 0.1, kind.FLOAT64), ("true", True, kind.BOOL), ("false", False, kind.BOOL),
            ("string", "Grüße, 世界", kind.STRING), ("empty", "", kind.STRING)]:
        writer.add_key_value(f"value.{name}", value, of)
    for name, values, of in [
            ("uint8", [0, 255], kind.UINT8), ("int8", [-128, 127], kind.INT8),
            ("uint16", [0, 65535], kind.UINT16), ("int16", [-32768, 32767], kind.INT16),
            ("uint32", [0, 2**32 - 1], kind.UINT32), ("int32", [-2**31, 2**31 - 1], kind.INT32),
            ("uint64", [0, 2**64 - 1], kind.UINT64), ("int64", [-2**63, 2**63 - 1], kind.INT64),
            ("float32", [0.1, -0.0], kind.FLOAT32), ("float64", [0.1, -0.0], kind.FLOAT64),
            ("bool", [True, False, True], kind.BOOL), ("string", ["", "a", "世界"], kind.STRING)]:
        writer.add_key_value(f"array.{name}", values, kind.ARRAY, sub_type=of)
    writer.add_tensor("x", np.array([1.5, -2.0], np.float32))
    finish(writer)


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


# ---- malformed files, by hand -------------------------------------------------------------------

def u32(n):
    return struct.pack("<I", n)


def u64(n):
    return struct.pack("<Q", n)


def string(text):
    data = text if isinstance(text, bytes) else text.encode()
    return u64(len(data)) + data


def entry(key, kind, value):
    """One key with its value; `kind` is the number of a GGUFValueType."""
    return string(key) + u32(kind) + value


def tensor(name, dims, kind=0, offset=0):
    return (string(name) + u32(len(dims)) + b"".join(u64(d) for d in dims) + u32(kind) + u64(offset))


def file(values=(), tensors=(), data=b"", n_values=None, n_tensors=None, version=3, alignment=32):
    head = (b"GGUF" + u32(version) + u64(len(tensors) if n_tensors is None else n_tensors)
            + u64(len(values) if n_values is None else n_values) + b"".join(values) + b"".join(tensors))
    return head + bytes(-len(head) % alignment) + data if tensors else head


UINT32, STRING, ARRAY, UINT64 = 4, 8, 9, 10
X = tensor("x", [8])                    # 32 bytes of F32
Y = tensor("y", [8], offset=32)
ALIGNMENT = "general.alignment"


def malformed():
    yield "empty", b"", "the file is 0 bytes long"
    yield "short", b"GGUF" + u32(3), "the file is 8 bytes long"
    yield "magic", b"GGML" + file()[4:], 'not with "GGUF"'
    yield "version_1", file(version=1), "has the version 1, but 2 and 3 are supported"
    yield "version_4", file(version=4), "has the version 4"
    yield "big_endian", b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "is big endian, which is not supported"
    yield "n_tensors_2_63", file(n_tensors=2**63), "promises 9223372036854775808 tensors of at least 33 bytes, but only 8"
    yield "n_kv_2_63", file(n_values=2**63), "promises 9223372036854775808 metadata entries of at least 14 bytes, but only 0"
    yield "n_kv_max", file([entry("k", UINT32, u32(1))], n_values=2**64 - 1), "promises 18446744073709551615 metadata entries"
    yield "n_kv_one_too_many", file([entry("k", UINT32, u32(1))], [X], bytes(32), n_values=2), "the name of tensor 0 is empty"
    yield "n_tensors_one_too_many", file([], [X], bytes(32), n_tensors=2), "the name of tensor 1"

    yield "key_empty", file([entry("", UINT32, u32(1))]), "the key of metadata entry 0 is empty"
    yield "key_not_utf8", file([entry(b"\xff", UINT32, u32(1))]), "the key of metadata entry 0 is not UTF-8"
    yield "key_too_long", file([entry("k" * 65536, UINT32, u32(1))]), "is 65536 bytes long, more than the 65535 allowed"
    yield "key_length_max", file([u64(2**64 - 1) + b"kkkkkkkk"]), "is 18446744073709551615 bytes long, but only 8 follow"
    yield "key_twice", file([entry("k", UINT32, u32(1)), entry("k", UINT32, u32(2))]), '"k" appears twice'
    yield "value_type", file([entry("k", 13, u32(1))]), 'the metadata "k" has the unknown type 13'
    yield "value_bool", file([entry("k", 7, b"\x02")]), "has the bool 2, but a bool is 0 or 1"
    yield "string_too_long", file([entry("k", STRING, u64(100) + b"abc")]), "is 100 bytes long, but only 3 follow"
    yield "string_length_max", file([entry("k", STRING, u64(2**64 - 1) + b"abc")]), "is 18446744073709551615 bytes long, but only 3 follow"
    yield "array_of_arrays", file([entry("k", ARRAY, u32(ARRAY) + u64(1) + u32(UINT32) + u64(0))]), "is an array of arrays"
    yield "array_type", file([entry("k", ARRAY, u32(99) + u64(0))]), "has the unknown element type 99"
    yield "array_length_max", file([entry("k", ARRAY, u32(UINT64) + u64(2**64 - 1))]), "has 18446744073709551615 elements of at least 8 bytes, but only 0"
    yield "array_bytes_wrap", file([entry("k", ARRAY, u32(UINT64) + u64(2**61 + 1) + u64(1))]), "has 2305843009213693953 elements of at least 8 bytes, but only 8"
    yield "array_of_strings_length", file([entry("k", ARRAY, u32(STRING) + u64(2**61) + u64(0))]), "has 2305843009213693952 elements of at least 8 bytes, but only 8"
    yield "array_string_too_long", file([entry("k", ARRAY, u32(STRING) + u64(1) + u64(9) + b"abc")]), "is 9 bytes long, but only 3 follow"

    yield "alignment_0", file([entry(ALIGNMENT, UINT32, u32(0))], [X], bytes(32)), "is 0, but must be a power of two from 8 to 65536"
    yield "alignment_4", file([entry(ALIGNMENT, UINT32, u32(4))], [X], bytes(32)), "is 4, but must be a power of two"
    yield "alignment_24", file([entry(ALIGNMENT, UINT32, u32(24))], [X], bytes(32)), "is 24, but must be a power of two"
    yield "alignment_huge", file([entry(ALIGNMENT, UINT32, u32(2**31))], [X], bytes(32)), "is 2147483648, but must be a power of two"
    yield "alignment_uint64", file([entry(ALIGNMENT, UINT64, u64(32))], [X], bytes(32)), "has the type UINT64, but must be UINT32"
    yield "alignment_array", file([entry(ALIGNMENT, ARRAY, u32(UINT32) + u64(1) + u32(32))], [X], bytes(32)), "has the type array of UINT32, but must be UINT32"

    yield "name_empty", file([], [tensor("", [8])], bytes(32)), "the name of tensor 0 is empty"
    yield "name_not_utf8", file([], [tensor(b"\xc0\x80", [8])], bytes(32)), "the name of tensor 0 is not UTF-8"
    yield "name_too_long", file([], [tensor("n" * 65, [8])], bytes(32)), "is 65 bytes long, more than the 64 allowed"
    yield "name_twice", file([], [X, tensor("x", [8], offset=32)], bytes(64)), 'tensor "x" appears twice'
    yield "dims_none", file([], [tensor("x", [])], bytes(32)), "has 0 axes, but must have 1 to 4"
    yield "dims_5", file([], [tensor("x", [8, 1, 1, 1, 1])], bytes(32)), "has 5 axes, but must have 1 to 4"
    yield "dims_max", file([], [string("x") + u32(2**32 - 1) + u64(8) + u32(0) + u64(0)], bytes(32)), "has 4294967295 axes"
    yield "ne_zero", file([], [tensor("x", [8, 0])], bytes(32)), "has an axis of 0 elements"
    yield "ne_negative", file([], [tensor("x", [2**64 - 8])], bytes(32)), "has an axis of 18446744073709551608 elements"
    yield "ne_product_wraps", file([], [tensor("x", [2**33, 2**33])], bytes(32)), "whose size overflows"
    yield "ne_product_wraps_to_small", file([], [tensor("x", [2**62, 4, 2])], bytes(32)), "whose size overflows"
    yield "bytes_wrap", file([], [tensor("x", [2**62])], bytes(32)), "whose size overflows"
    yield "row_no_multiple_of_block", file([], [tensor("x", [33, 32], kind=2)], bytes(704)), "has rows of 33 elements, but Q4_0 has blocks of 32"
    yield "type_unknown", file([], [tensor("x", [8], kind=99)], bytes(32)), "has the type 99, which is not supported"
    yield "type_removed", file([], [tensor("x", [32], kind=4)], bytes(32)), "has the type 4, which is not supported"
    yield "type_unsupported", file([], [tensor("x", [256], kind=10)], bytes(84)), "has the type Q2_K (10), which is not supported"
    yield "offset_misaligned", file([], [X, tensor("y", [8], offset=33)], bytes(96)), "has the offset 33, which is not a multiple of the alignment 32"
    yield "offset_overlap", file([], [tensor("x", [16]), Y], bytes(96)), "has the offset 32, but the data before it ends at 64 and is padded to 64: an overlap"
    yield "offset_gap", file([], [X, tensor("y", [8], offset=64)], bytes(96)), "has the offset 64, but the data before it ends at 32 and is padded to 32: a gap"
    yield "offset_first_gap", file([], [Y], bytes(64)), "has the offset 32, but the data before it ends at 0 and is padded to 0: a gap"
    yield "offset_near_2_64", file([], [X, tensor("y", [8], offset=2**64 - 32)], bytes(64)), "has the offset 18446744073709551584, but the data before it ends at 32 and is padded to 32: a gap"
    yield "offset_max", file([], [tensor("x", [8], offset=2**64 - 1)], bytes(64)), "has the offset 18446744073709551615, which is not a multiple"
    yield "size_sum_wraps", file([], [tensor("x", [2**59]), tensor("y", [2**59], offset=2**61)], bytes(64)), 'tensor "x" has 2305843009213693952 bytes'
    yield "data_too_short", file([], [X, Y], bytes(63)), 'tensor "y" ends at byte'
    yield "data_missing", file([], [X, Y]), 'tensor "y" ends at byte'
    yield "data_too_long", file([], [X], bytes(65)), "33 bytes follow the last tensor"
    yield "data_without_tensors", file() + bytes(64), "64 bytes follow the last tensor"


def make_malformed():
    folder = GOLDEN / "malformed"
    for old in folder.glob("*.gguf"):
        old.unlink()
    manifest = {}
    for name, data, message in malformed():
        assert name not in manifest
        if name != "key_too_long":  # 64 kB: a test builds this one
            (folder / f"{name}.gguf").write_bytes(data)
            manifest[name] = message
    text = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
    (folder / "manifest.json").write_text(text, encoding="utf-8")


def main():
    assert gguf.GGUFReader  # the package, not this folder
    (GOLDEN / "malformed").mkdir(parents=True, exist_ok=True)
    make_types()
    make_values()
    make_malformed()


if __name__ == "__main__":
    main()
