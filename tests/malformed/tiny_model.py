"""The tiny model whose files are damaged."""

import json
import struct

from malformed_files import TINY, as_json

MODEL_BYTES = (TINY / "model.safetensors").read_bytes()
CONFIG = json.loads((TINY / "config.json").read_text())


def split_model():
    length = struct.unpack("<Q", MODEL_BYTES[:8])[0]
    return json.loads(MODEL_BYTES[8:8 + length]), MODEL_BYTES[8 + length:]


def safetensors(header, data):
    text = as_json(header)
    return struct.pack("<Q", len(text)) + text + data


def model(weights, verb=("model", "info", "{}/m"), config=None):
    return list(verb), {"m/model.safetensors": weights, "m/config.json": as_json(CONFIG) if config is None else config}
