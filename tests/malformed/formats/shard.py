"""The records of shards."""

from malformed_files import as_json, malformed


def shards(records):
    return ["merge", "{}/runs"], {f"runs/shard-{i + 1}-of-{len(records)}/shard.json":
                                 as_json(record) for i, record in enumerate(records)}


def shard(number, count, whole=("study", "figure_3b", "--out", "runs")):
    return {"patchbay": "0.1.0", "shard": number, "of": count, "whole": list(whole)}


@malformed()
def shard_that_is_no_record(random):
    return shards([shard(1, 2), random.choice([b"", b"{", b"[]", {}, {"shard": "2"}, {"shard": 2, "of": 2, "whole": 7}])])


@malformed((65,), r"shard-\d-of-\d")
def shard_of_another_number(random):
    return shards([shard(1, 2), shard(random.choice([1, 3, 0, -1]), 2)])


@malformed()
def shards_of_two_commands(random):
    return shards([shard(1, 2), shard(2, 2, ("study", random.choice(["ioi_lab", "ioi_paper"]), "--out", "runs"))])


@malformed((65,), "shard.json")
def shards_of_a_command_that_has_none(random):
    words = random.choice([["doctor"], ["model", "pull", "gpt2"], ["help"], []])
    return shards([shard(1, 1, words)])
