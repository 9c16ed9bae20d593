"""tokenizer.json."""

import json

from malformed_files import TINY, as_json, changed, malformed
from tiny_model import CONFIG, MODEL_BYTES

TOKENIZER = json.loads((TINY / "tokenizer.json").read_text())


def tokenizer(value):
    return ["tokens", "--model", "{}/m", "Mary"], {
        "m/tokenizer.json": as_json(value),
        "m/config.json": as_json(CONFIG), "m/model.safetensors": MODEL_BYTES}


def changed_tokenizer(change):
    return tokenizer(changed(TOKENIZER, change))


@malformed()
def tokenizer_cut_off(random):
    whole = as_json(TOKENIZER)
    return tokenizer(whole[:random.randrange(len(whole))])


@malformed()
def tokenizer_of_another_model(random):
    return changed_tokenizer(lambda t: t["model"].update(type=random.choice(["WordPiece", "Unigram", "", 7, "bpe"])))


@malformed()
def tokenizer_with_a_normalizer(random):
    return changed_tokenizer(lambda t: t.update(normalizer=random.choice([{"type": "NFKC"}, {"type": "Lowercase"}, {}, []])))


@malformed()
def tokenizer_with_a_foreign_pre_tokenizer(random):
    return changed_tokenizer(lambda t: t.update(pre_tokenizer=random.choice(
        [{"type": "Metaspace"}, {"type": "ByteLevel", "add_prefix_space": True}, {}, 7])))


@malformed()
def tokenizer_without_a_part(random):
    key = random.choice(["model", "vocab", "merges"])
    return changed_tokenizer(lambda t: t.pop(key) if key == "model" else t["model"].pop(key))


@malformed()
def tokenizer_id_twice(random):
    return changed_tokenizer(lambda t: t["model"]["vocab"].update(
        {random.choice(list(t["model"]["vocab"])): random.choice(list(t["model"]["vocab"].values())[:100]) + 1}))


@malformed()
def tokenizer_id_out_of_range(random):
    return changed_tokenizer(lambda t: t["model"]["vocab"].update({"ab": random.choice([-1, 2**20, 2**31, 2**63 - 1, 1.5, "7"])}))


@malformed()
def tokenizer_merge_of_no_tokens(random):
    return changed_tokenizer(lambda t: t["model"]["merges"].insert(random.randrange(20), random.choice(["zq qz", "a", "", "a b c", ["a"], 7, [1, 2]])))


@malformed()
def tokenizer_merge_that_is_no_token(random):
    return changed_tokenizer(lambda t: t["model"]["merges"].append(random.choice(["q z", "z q", "q q", "z z", "! !"])))


@malformed()
def tokenizer_with_dropout(random):
    return changed_tokenizer(lambda t: t["model"].update(random.choice([{"dropout": 0.1}, {"byte_fallback": True}, {"unk_token": "a"}])))


@malformed()
def tokenizer_added_tokens_that_are_none(random):
    return changed_tokenizer(lambda t: t.update(added_tokens=random.choice([{}, [7], [{}], [{"id": 299}], [{"id": -1, "content": "x"}]])))
