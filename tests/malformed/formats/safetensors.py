"""safetensors files."""

import copy
import struct

from malformed_files import as_json, is_json, malformed
from tiny_model import MODEL_BYTES, model, safetensors, split_model


def with_entry(random, change):
    """The model's file with one tensor's entry changed."""
    header, data = split_model()
    name = random.choice([name for name in header if name != "__metadata__"])
    change(header[name])
    return model(safetensors(header, data))


@malformed()
def safetensors_cut_off(random):
    return model(MODEL_BYTES[:random.randrange(len(MODEL_BYTES))])


@malformed()
def safetensors_shorter_than_a_length(random):
    return model(random.randbytes(random.randrange(8)))


@malformed()
def safetensors_length_beyond_the_file(random):
    return model(struct.pack("<Q", random.randrange(len(MODEL_BYTES), 10**8)) + MODEL_BYTES[8:])


@malformed()
def safetensors_length_beyond_any(random):
    return model(struct.pack("<Q", random.randrange(2**40, 2**64)) + MODEL_BYTES[8:])


@malformed()
def safetensors_no_object(random):
    text = random.choice([b"[]", b"null", b"7", b'"x"', b" {}", b"\xef\xbb\xbf{}"])
    return model(safetensors(text + b" " * random.randrange(9), b""))


@malformed()
def safetensors_broken_json(random):
    header, data = split_model()
    text = as_json(header)
    while True:  # a backslash before a letter, or a brace in a string, may still be JSON
        at = random.randrange(1, len(text) - 1)
        wrong = random.choice([b"\\", b"}", b"\x00", b"\xff"])
        broken = text[:at] + wrong + text[at + 1:]
        if not is_json(broken):
            return model(safetensors(broken, data))


@malformed()
def safetensors_name_twice(random):
    name = random.choice(["a", "wte.weight", ""])
    entry = b'{"dtype": "F32", "shape": [], "data_offsets": [0, 4]}'
    return model(safetensors(b'{"%s": %s, "%s": %s}' % (name.encode(), entry, name.encode(), entry), bytes(4)))


@malformed()
def safetensors_metadata_of_numbers(random):
    header, data = split_model()
    header["__metadata__"] = random.choice([{"format": 7}, ["pt"], None, {"a": {"b": "c"}}, 1.5])
    return model(safetensors(header, data))


@malformed()
def safetensors_key_missing(random):
    return with_entry(random, lambda entry: entry.pop(random.choice(list(entry))))


@malformed()
def safetensors_key_unknown(random):
    return with_entry(random, lambda entry: entry.update({random.choice(["stride", "Shape", ""]): [1]}))


@malformed()
def safetensors_dtype_unknown(random):
    return with_entry(random, lambda entry: entry.update(dtype=random.choice(["F31", "f32", "", "F8", 7, None, "U128"])))


@malformed()
def safetensors_shape_of_others(random):
    bad = random.choice([-1, 1.5, "2", None, True, [2], 2**64, -2**63])
    return with_entry(random, lambda entry: entry["shape"].append(bad))


@malformed()
def safetensors_shape_overflows(random):
    return with_entry(random, lambda entry: entry.update(shape=[2**random.randrange(31, 62), 2**random.randrange(32, 62)]))


@malformed()
def safetensors_shape_that_does_not_fit(random):
    return with_entry(random, lambda entry: entry["shape"].append(random.randrange(2, 9)))


@malformed()
def safetensors_offsets_inverted(random):
    return with_entry(random, lambda entry: entry["data_offsets"].reverse())


@malformed()
def safetensors_offsets_beyond_the_file(random):
    far = random.randrange(10**6, 2**62)
    return with_entry(random, lambda entry: entry.update(data_offsets=[entry["data_offsets"][0], far]))


@malformed()
def safetensors_offsets_of_another_number(random):
    return with_entry(random, lambda entry: entry.update(data_offsets=random.choice([[], [0], [0, 4, 8], None, {}])))


@malformed()
def safetensors_overlap(random):
    header, data = split_model()
    first, second = random.sample([n for n in header if n != "__metadata__"], 2)
    header[second] = copy.deepcopy(header[first])
    return model(safetensors(header, data))


@malformed()
def safetensors_gap(random):
    header, data = split_model()
    del header[random.choice([n for n, entry in header.items()
                              if n != "__metadata__" and 0 < entry["data_offsets"][0]])]
    return model(safetensors(header, data))


@malformed()
def safetensors_bytes_after_the_last(random):
    return model(MODEL_BYTES + random.randbytes(random.randrange(1, 99)))


@malformed()
def safetensors_deep(random):
    depth = random.randrange(9, 3000)
    return model(safetensors(b'{"a": ' + b"[" * depth + b"]" * depth + b"}", b""))


@malformed()
def safetensors_tensor_missing(random):
    header, data = split_model()
    names = [n for n in header if n != "__metadata__" and "attn.bias" not in n and "masked_bias" not in n]
    name = random.choice(names)
    header["other." + name] = header.pop(name)
    return model(safetensors(header, data), ("predict", "--model", "{}/m", "--tokens", "1,2"))


@malformed()
def safetensors_weight_of_another_shape(random):
    header, data = split_model()
    names = [n for n in header if n != "__metadata__" and len(header[n]["shape"]) == 2 and
             header[n]["shape"][0] != header[n]["shape"][1] and "attn.bias" not in n]
    header[random.choice(names)]["shape"].reverse()
    return model(safetensors(header, data), ("predict", "--model", "{}/m", "--tokens", "1,2"))


@malformed()
def safetensors_weight_that_is_no_number(random):
    header, data = split_model()
    names = [n for n in header if n != "__metadata__" and "attn.bias" not in n and "masked_bias" not in n]
    begin, end = header[random.choice(names)]["data_offsets"]
    at = random.randrange(begin, end, 4)
    bad = struct.pack("<f", random.choice([float("nan"), float("inf"), float("-inf")]))
    return model(safetensors(header, data[:at] + bad + data[at + 4:]), ("predict", "--model", "{}/m", "--tokens", "1,2"))


@malformed()
def safetensors_that_is_a_pickle(random):
    return model(b"\x80\x02}q\x00." + random.randbytes(random.randrange(20, 99)))
