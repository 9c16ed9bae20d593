"""Checks the golden result files from outside: python3 result_files_test.py REPOSITORY

They are what the library writes, byte for byte (result_json_test.cpp). Here they must satisfy the
schema that is shipped, the schema must refuse what the library's reader refuses, and the statistics
must be those that Python computes from the values.
"""

import copy
import itertools
import json
import math
import os
import pathlib
import statistics
import sys
import unittest

DISTRIBUTION_PYTHON = "/usr/bin/python3"
try:
    import jsonschema
except ImportError:
    # The package comes with the distribution, for the distribution's own Python.
    if sys.executable == DISTRIBUTION_PYTHON or not os.path.exists(DISTRIBUTION_PYTHON):
        sys.exit("the package python3-jsonschema is missing; run scripts/setup.sh --dev")
    os.execv(DISTRIBUTION_PYTHON, [DISTRIBUTION_PYTHON, *sys.argv])

REPOSITORY = pathlib.Path()


def goldens():
    for file in sorted((REPOSITORY / "tests/golden/results").glob("*.json")):
        yield file.name, json.loads(file.read_text(encoding="utf-8"))


def flat(nested, depth):
    """The elements of `depth` nested arrays in row-major order."""
    return [nested] if depth == 0 else [x for part in nested for x in flat(part, depth - 1)]


class StudySchema(unittest.TestCase):
    def test_a_study_satisfies_its_schema_and_nothing_else_does(self):
        schema = json.loads((REPOSITORY / "docs/schema/study.schema.json").read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator.check_schema(schema)
        valid = jsonschema.Draft202012Validator(schema).is_valid
        study = json.loads((REPOSITORY / "tests/golden/report/study.json").read_text(encoding="utf-8"))
        self.assertTrue(valid(study))
        for key in study:
            self.assertFalse(valid({k: v for k, v in study.items() if k != key}), key)
        self.assertFalse(valid({**study, "more": 1}))
        wrong = copy.deepcopy(study)
        wrong["sections"][0]["id"] = "../heads"
        self.assertFalse(valid(wrong))


class Schema(unittest.TestCase):
    def setUp(self):
        self.schema = json.loads((REPOSITORY / "docs/schema/result.schema.json").read_text())
        self.validator = jsonschema.Draft202012Validator(self.schema)

    def test_is_a_schema(self):
        jsonschema.Draft202012Validator.check_schema(self.schema)

    def test_accepts_what_the_library_writes(self):
        names = [name for name, _ in goldens()]
        self.assertEqual(names, ["small.json", "tested.json", "without_sides.json"])
        for name, result in goldens():
            with self.subTest(name):
                self.validator.validate(result)

    def test_needs_every_key_of_every_object_and_knows_no_other(self):
        optional = {("effects", key) for key in ("fraction", "recovered", "percent_of_clean", "of_gap")}
        for name, result in goldens():
            for path in self.objects(result):
                if path[:1] == ("options",):
                    continue
                for key in self.at(result, path):
                    if (*path, key) in optional:
                        continue
                    changed = copy.deepcopy(result)
                    del self.at(changed, path)[key]
                    self.assertFalse(self.validator.is_valid(changed), (name, path, key))
                changed = copy.deepcopy(result)
                self.at(changed, path)["surplus"] = 1
                self.assertFalse(self.validator.is_valid(changed), (name, path))

    def test_refuses_wrong_values(self):
        for path, wrong in [(("format",), "other"), (("format_version",), 2),
                            (("direction",), "sideways"), (("shown", "effect"), "part"),
                            (("values", 0, 0, 0), "1"), (("values",), 3), (("axes",), []),
                            (("axes", 2, "name"), "x"), (("axes", 1, "name"), "prompt"),
                            (("baselines", "clean", 0), None), (("options", "seed"), None),
                            (("statistics", "confidence"), 95), (("tokens_sha256",), ""),
                            (("effects", "raw", "left_out", 0, 0), None)]:
            result = copy.deepcopy(dict(goldens())["small.json"])
            self.at(result, path[:-1])[path[-1]] = wrong
            self.assertFalse(self.validator.is_valid(result), path)

    def at(self, value, path):
        for key in path:
            value = value[key]
        return value

    def objects(self, value, path=()):
        if isinstance(value, dict):
            yield path
        keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
        for key in keys:
            yield from self.objects(value[key], (*path, key))


class Numbers(unittest.TestCase):
    def test_effects_follow_from_the_values(self):
        formulas = {
            "raw": lambda p, c, k, base: (p - base, 1),
            "fraction": lambda p, c, k, base: (c - p if base == c else p - k, c - k),
            "recovered": lambda p, c, k, base: (p - k, c - k),
            "percent_of_clean": lambda p, c, k, base: (100 * (p - c), c),
            "of_gap": lambda p, c, k, base: (p - base, c - k)}
        for name, result in goldens():
            for kind, effect in result["effects"].items():
                cells = self.cells(result)
                depth = len(result["axes"]) - 1
                for i, prompts in enumerate(cells):
                    pairs = [formulas[kind](*one) for one in prompts]
                    value, error = self.summary(pairs, effect["aggregate"])
                    with self.subTest(name=name, effect=kind, cell=i):
                        self.assert_near(flat(effect["values"], depth)[i], value)
                        self.assert_near(flat(effect["standard_error"], depth)[i], error)

    def test_p_values_count_sign_patterns(self):
        result = dict(goldens())["tested.json"]
        p_values = []
        for prompts in self.cells(result):
            raw = [p - base for p, _, _, base in prompts]
            sums = [sum(s * x for s, x in zip(signs, raw))
                    for signs in itertools.product((1, -1), repeat=len(raw))]
            extreme = sum(abs(s) >= abs(sum(raw)) - 1e-12 for s in sums)
            p_values.append(extreme / len(sums) if raw else None)
        order = sorted((p, i) for i, p in enumerate(p_values) if p is not None)
        largest = 0
        for rank, (p, i) in enumerate(order):
            largest = max(largest, min(1, p * (len(order) - rank)))
            self.assertEqual(result["significance"]["p_values"][i], largest)
        self.assertIsNone(result["significance"]["p_values"][1])

    def cells(self, result):
        """Per cell the (patched, clean, corrupted, base) of the prompts that have it."""
        n = len(result["axes"][-1]["labels"])
        sides = [result["baselines"][side] or [0] * n for side in ("clean", "corrupted")]
        base = {"noise": sides[0], "denoise": sides[1], "none": [0] * n}[result["direction"]]
        for row in flat(result["values"], len(result["axes"]) - 1):
            yield [one for one in zip(row, *sides, base) if one[0] is not None]

    def summary(self, pairs, aggregate):
        """The aggregate of (numerator, denominator) and its standard error."""
        if aggregate == "mean_of_ratios":
            ratios = [above / below for above, below in pairs if abs(below) >= 0.1]
            if len(ratios) < 2:
                return None, None
            return statistics.mean(ratios), statistics.stdev(ratios) / math.sqrt(len(ratios))
        ratio = math.fsum(a for a, _ in pairs) / math.fsum(b for _, b in pairs)
        residuals = [(a - ratio * b) ** 2 for a, b in pairs]
        n = len(pairs)
        below = math.fsum(b for _, b in pairs) / n
        return ratio, math.sqrt(math.fsum(residuals) / (n * (n - 1))) / abs(below)

    def assert_near(self, written, computed):
        if computed is None:
            self.assertIsNone(written)
        else:
            self.assertAlmostEqual(written, computed, delta=1e-11 * max(1, abs(computed)))


if __name__ == "__main__":
    REPOSITORY = pathlib.Path(sys.argv[1]).resolve()
    unittest.main(argv=sys.argv[:1])
