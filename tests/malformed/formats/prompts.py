"""Prompt files, JSON lines."""

from malformed_files import TINY, as_json, malformed

PAIR = {"clean": [1, 2, 3], "corrupted": [1, 4, 3], "answer": 7, "wrong": 8}


def prompts(lines):
    whole = lines if isinstance(lines, bytes) else b"\n".join(as_json(line) for line in lines) + b"\n"
    return ["run", "accuracy", "--model", str(TINY), "--task", "file:{}/p.jsonl", "--out", "{}/out"], {"p.jsonl": whole}


def one_bad(random, bad):
    lines = [PAIR] * random.randrange(1, 9)
    lines.insert(random.randrange(len(lines) + 1), bad)
    return prompts(lines)


@malformed()
def prompts_none(random):
    return prompts(random.choice([b"", b"\n", b" \n\n\t\n", b"\r\n"]))


@malformed()
def prompts_not_json(random):
    return prompts(as_json(PAIR) + b"\n" + random.choice([b"{", b"clean", b"{'clean': 1}", b'{"clean"}', b"\xff\xfe"]) + b"\n")


@malformed()
def prompts_no_object(random):
    return one_bad(random, random.choice([[], 7, "x", None, True]))


@malformed()
def prompts_key_missing(random):
    bad = dict(PAIR)
    del bad[random.choice(["clean", "answer"])]
    return one_bad(random, bad)


@malformed()
def prompts_key_with_two_names(random):
    return one_bad(random, {**PAIR, random.choice(["Clean", "corrupt", "correct", "wrongs"]): 1})


def table(lines):
    whole = b"\n".join(lines) + b"\n"
    return ["run", "accuracy", "--model", str(TINY), "--task", "file:{}/p.csv", "--out", "{}/out"], {"p.csv": whole}


@malformed()
def prompts_table_broken(random):
    good = [b"clean,corrupted,answer", b'"[1, 2]","[1, 3]",[7]']
    bad = random.choice([b'"[1, 2]","[1, 3]"', b'"[1, 2]","[1, 3]",[7],x', b'"[1"2],"[1, 3]",[7]', b'"[1, 2],[1, 3],7',
                         b'\xff,a,b', b'"[1, 2]",,[7]'])
    return table(good + [bad])


@malformed()
def prompts_table_header(random):
    return table([random.choice([b"a,b,c", b"clean,clean,answer", b"clean,prompt,answer", b'"clean,corrupted']), b"x,y,z"])


@malformed()
def prompts_of_other_lengths(random):
    return one_bad(random, {**PAIR, "corrupted": [1] * random.choice([1, 2, 4, 20])})


@malformed()
def prompts_token_out_of_range(random):
    return one_bad(random, {**PAIR, random.choice(["clean", "corrupted"]): [1, random.choice([-1, 300, 2**31, 2**63]), 3]})


@malformed()
def prompts_answer_of_another_type(random):
    return one_bad(random, {**PAIR, "answer": random.choice([None, {}, [], 1.5, True, -1, 300, "no such token"])})


@malformed()
def prompts_answer_right_and_wrong(random):
    token = random.randrange(299)
    return one_bad(random, {**PAIR, "answer": [token, 3], "wrong": [5, token]})


@malformed()
def prompts_longer_than_the_model_reads(random):
    length = random.randrange(33, 500)
    return one_bad(random, {**PAIR, "clean": [1] * length, "corrupted": [2] * length})


@malformed()
def prompts_positions_that_are_none(random):
    return one_bad(random, {**PAIR, "positions": random.choice([7, [], {"S": 7}, {"S": "zzz"}, {"": 1}, {"END": 0}])})
