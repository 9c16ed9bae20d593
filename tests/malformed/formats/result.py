"""Result files, JSON."""

import json

from malformed_files import ROOT, as_json, changed, malformed

RESULT = json.loads((ROOT / "tests/golden/results/small.json").read_text())


def result(value):
    return ["report", "{}/r.json", "--out", "{}/out"], {"r.json": as_json(value)}


def changed_result(change):
    return result(changed(RESULT, change))


@malformed()
def result_cut_off(random):
    whole = as_json(RESULT)
    return result(whole[:random.randrange(len(whole))])


@malformed()
def result_key_missing(random):
    return changed_result(lambda r: r.pop(random.choice([k for k in RESULT if k not in ("effects", "significance")])))


@malformed()
def result_key_unknown(random):
    return changed_result(lambda r: r.update({random.choice(["Values", "", "script", "<b>"]): 1}))


@malformed()
def result_of_another_format(random):
    return changed_result(lambda r: r.update(random.choice([{"format": "x"}, {"format_version": 2}, {"format_version": "1"}, {"format": None}])))


@malformed()
def result_key_of_another_type(random):
    key = random.choice(["experiment", "metric", "axes", "notes", "values", "baselines", "columns", "options", "model"])
    return changed_result(lambda r: r.update({key: random.choice([7, True])}))


@malformed()
def result_values_of_another_shape(random):
    return changed_result(lambda r: random.choice([r["values"], r["values"][0], r["values"][0][0]]).append(1.0))


@malformed()
def result_values_that_are_none(random):
    return changed_result(lambda r: r["values"][0][0].__setitem__(0, random.choice(["1", [], {}, True])))


@malformed()
def result_axis_that_is_none(random):
    return changed_result(lambda r: r["axes"].__setitem__(random.randrange(3), random.choice(
        [{}, {"name": "layer"}, {"name": 7, "labels": []}, {"name": "x", "labels": [7]}, None])))


@malformed()
def result_statistics_out_of_range(random):
    def change(whole):
        whole["statistics"].update(random.choice([{"bootstrap_resamples": 10**12}, {"bootstrap_resamples": 0}, {"confidence": 1.5},
                                                  {"confidence": 0}, {"smallest_gap": -1}, {"seed": -1}]))
    return changed_result(change)


@malformed()
def result_direction_unknown(random):
    return changed_result(lambda r: r.update(direction=random.choice(["noising", "", "x", 7])))


@malformed()
def result_deep(random):
    depth = random.randrange(65, 9000)
    return result(b'{"format": ' + b"[" * depth + b"]" * depth + b"}")
