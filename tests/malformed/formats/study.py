"""Study files, TOML."""

from malformed_files import TINY, as_json, malformed

PAIR = {"clean": [1, 2, 3], "corrupted": [1, 4, 3], "answer": 7, "wrong": 8}
STUDY = """title = "A study"
text = "What it is about."
model = "MODEL"
[task]
name = "file:PROMPTS"
[[experiment]]
id = "one"
experiment = "accuracy"
title = "One"
[[experiment]]
id = "two"
experiment = "activation_patching"
title = "Two"
show = ["grid"]
options = { site = "z" }
"""


def study(whole):
    ready = whole if isinstance(whole, bytes) else whole.replace("MODEL", str(TINY)).encode()
    return ["study", "{}/s.toml", "--out", "{}/out"], {"s.toml": ready, "p.jsonl": as_json(PAIR) + b"\n"}


def replaced(random, *choices):
    there, wrong = random.choice(choices)
    assert there in STUDY, there
    return study(STUDY.replace(there, wrong, 1).replace("PROMPTS", "p.jsonl"))


@malformed((78,))
def study_cut_off(random):
    # Within a value, so that no shorter study is left.
    at = STUDY.index('"', random.randrange(STUDY.rindex("title")))
    return study(STUDY[:at + 1])


@malformed((65, 78))
def study_not_utf8(random):
    return study(STUDY.encode().replace(b"A study", b"A " + bytes([random.randrange(0x80, 0xc0)])))


@malformed((78,))
def study_key_unknown(random):
    return replaced(random, ("title = \"Two\"", "titel = \"Two\""), ("[task]", "[taks]"), ("text =", "txt ="),
                    ("show =", "shows ="), ("options =", "option ="))


@malformed((78,))
def study_value_of_another_type(random):
    return replaced(random, ('title = "A study"', "title = 7"), ('id = "one"', "id = 1"), ('show = ["grid"]', "show = 3"),
                    ('options = { site = "z" }', "options = 2"), ('model = "MODEL"', "model = []"))


@malformed((78,))
def study_key_missing(random):
    return replaced(random, ('title = "One"\n', ""), ('experiment = "accuracy"\n', ""), ('id = "one"\n', ""),
                    ('title = "A study"\n', ""), ('name = "file:PROMPTS"\n', ""))


@malformed((78,))
def study_experiment_unknown(random):
    return replaced(random, *[('experiment = "accuracy"', f'experiment = "{name}"')
                              for name in ("accurcy", "", "Accuracy", "../accuracy", "all")])


@malformed((78,))
def study_option_unknown(random):
    return replaced(random, *[('site = "z"', wrong) for wrong in ('sight = "z"', 'site = "zz"', 'layers = "99"', 'metric = "x"')])


@malformed((78,))
def study_id_twice_or_no_name(random):
    return replaced(random, *[('id = "two"', f'id = "{name}"') for name in ("one", "", "a/b", "..", "A", "study", "a b")])


@malformed((78,))
def study_view_unknown(random):
    return replaced(random, *[('show = ["grid"]', f'show = ["{name}"]') for name in ("gird", "", "largest:x", "largest:-1", "grid:3")])


@malformed((66, 78), r"nowhere-\d+\.jsonl")
def study_of_prompts_that_are_not_there(random):
    return study(STUDY.replace("PROMPTS", f"nowhere-{random.randrange(99)}.jsonl"))


@malformed((66, 78), r"no/such/model-\d+")
def study_of_a_model_that_is_not_there(random):
    return study(STUDY.encode().replace(b"MODEL", b"no/such/model-%d" % random.randrange(99)).replace(b"PROMPTS", b"p.jsonl"))
