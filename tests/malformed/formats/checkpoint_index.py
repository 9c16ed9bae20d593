"""The index of a checkpoint of several files."""

from malformed_files import as_json, malformed
from tiny_model import CONFIG, MODEL_BYTES, split_model


def indexed(index, files=None):
    return ["model", "info", "{}/m"], {
        "m/model.safetensors.index.json": as_json(index),
        "m/config.json": as_json(CONFIG), **({"m/a.safetensors": MODEL_BYTES} if files is None else files)}


def weight_map():
    return {name: "a.safetensors" for name in split_model()[0] if name != "__metadata__"}


@malformed()
def index_leads_out_of_the_folder(random):
    names = weight_map()
    names[random.choice(list(names))] = random.choice(
        ["../a.safetensors", "/etc/passwd", "b/../a.safetensors", "./a.safetensors", "..", "a/b.safetensors", ""])
    return indexed({"weight_map": names})


@malformed((65, 66), r"part-\d+\.safetensors")
def index_names_a_file_that_is_not_there(random):
    names = weight_map()
    names[random.choice(list(names))] = f"part-{random.randrange(99)}.safetensors"
    return indexed({"weight_map": names})


@malformed()
def index_without_a_map(random):
    return indexed(random.choice([{}, {"weight_map": []}, {"weight_map": "a"}, {"weight_map": {"a": 7}}, [], {"weight_map": None}]))


@malformed()
def index_names_a_tensor_that_is_not_there(random):
    return indexed({"weight_map": {**weight_map(), f"h.{random.randrange(3, 99)}.ln_1.weight": "a.safetensors"}})
