"""config.json."""

from malformed_files import as_json, malformed
from tiny_model import CONFIG, MODEL_BYTES, model


def config(text):
    return model(MODEL_BYTES, config=as_json(text))


@malformed()
def config_cut_off(random):
    text = as_json(CONFIG)
    return config(text[:random.randrange(len(text))])


@malformed()
def config_not_utf8(random):
    text = as_json(CONFIG)
    at = text.index(b"gpt2") + random.randrange(4)
    return config(text[:at] + bytes([random.randrange(0x80, 0xc0)]) + text[at:])


@malformed()
def config_no_object(random):
    return config(random.choice([b"[]", b"7", b'"gpt2"', b"null", b"true", b""]))


@malformed()
def config_key_twice(random):
    key = random.choice(list(CONFIG))
    return config(as_json(CONFIG)[:-1] + b", " + as_json({key: CONFIG[key]})[1:])


@malformed((65, 78))
def config_size_of_another_type(random):
    key = random.choice(["n_layer", "n_head", "n_embd", "n_positions", "vocab_size"])
    return config({**CONFIG, key: random.choice(["3", 3.5, None, [], {}, True, 2**65])})


@malformed((65, 78))
def config_size_out_of_range(random):
    key = random.choice(["n_layer", "n_head", "n_embd", "n_positions", "vocab_size"])
    return config({**CONFIG, key: random.choice([0, -1, -2**63, 2**62])})


@malformed((65, 78))
def config_key_missing(random):
    changed = dict(CONFIG)
    del changed[random.choice(["model_type", "n_layer", "n_head", "n_embd", "vocab_size"])]
    return config(changed)


@malformed((65, 78))
def config_of_another_family(random):
    return config({**CONFIG, "model_type": random.choice(["gpt3", "bert", "", "GPT2", "opt", "../gpt2"])})


@malformed((65, 78))
def config_with_another_activation(random):
    return config({**CONFIG, "activation_function": random.choice(["mish", "", "GELU", "quick", 3])})


@malformed((65, 78))
def config_whose_heads_do_not_divide(random):
    return config({**CONFIG, "n_head": random.choice([3, 5, 7, 9, 31])})


@malformed()
def config_deep(random):
    depth = random.randrange(65, 5000)
    return config(b'{"a": ' + b"[" * depth + b"]" * depth + b"}")


@malformed()
def config_number_beyond_double(random):
    return config(as_json(CONFIG)[:-1] + b', "x": 1e%d}' % random.randrange(309, 99999))


@malformed((65, 78))
def config_larger_than_its_tensors(random):
    return model(MODEL_BYTES, ("predict", "--model", "{}/m", "--tokens", "1,2"),
                 as_json({**CONFIG, "n_layer": random.choice([4, 50, 9999, 10**6, 2**30])}))
