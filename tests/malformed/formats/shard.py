"""The records of shards."""

import copy

from malformed_files import as_json, changed, malformed

STUDY = {"study": {"name": "figure_3b", "model": None, "special": False}}
RUN = {"run": {"model": "ioi-small", "weight_processing": [],
               "task": {"name": "ioi", "prompts": 3, "seed": None, "prepend_bos": None, "corruption": "", "prompt_type": "",
                        "collisions": False},
               "experiment": "accuracy", "settings": {}, "prompt_limit": None}}


def shards(records):
    return ["merge", "{}/runs"], {f"runs/shard-{i + 1}-of-{len(records)}/shard.json":
                                 as_json(record) for i, record in enumerate(records)}


def shard(number, count, what=STUDY):
    return {"format": "patchbay shard", "format_version": 1, "patchbay": "0.1.0", "shard": number, "of": count,
            **copy.deepcopy(what), "formats": ["json"], "notes": {}}


@malformed()
def shard_that_is_no_record(random):
    return shards([shard(1, 2), random.choice([b"", b"{", b"[]", {}, {"shard": "2"}, {**shard(2, 2), "formats": 7}])])


@malformed((65,), r"shard-\d-of-\d")
def shard_of_another_number(random):
    return shards([shard(1, 2), shard(random.choice([1, 3, 0, -1]), 2)])


@malformed()
def shards_of_two_commands(random):
    name = random.choice(["ioi_lab", "ioi_paper"])
    return shards([shard(1, 2), shard(2, 2, {"study": {"name": name, "model": None, "special": False}})])


@malformed((65,), "shard.json")
def shard_of_an_older_version(random):
    words = random.choice([["study", "figure_3b", "--out", "runs"], ["doctor"], [], 7])
    return shards([{"patchbay": "0.1.0", "shard": 1, "of": 1, "whole": words}])


@malformed((65,), "shard.json")
def shard_of_a_run_that_has_no_such_thing(random):
    where, wrong = random.choice([
        (("run", "model"), 7), (("run", "weight_processing"), ["fold"]), (("run", "prompt_limit"), 0),
        (("run", "settings"), {"site": 3}), (("run", "task", "prompts"), -1), (("run", "task", "seed"), -1),
        (("run", "task", "collisions"), "no"), (("run", "task"), []), (("run", "colour"), "red"), (("notes",), {"top": 3}),
        (("formats",), ["json", "jsn"]), (("formats",), ["html"]),
        (("of",), 0), (("format_version",), 2), (("run",), {}), (("study",), {"name": "ioi_lab", "model": None, "special": False})])

    def change(record):
        for key in where[:-1]:
            record = record[key]
        record[where[-1]] = wrong
    return shards([changed(shard(1, 1, RUN), change)])
