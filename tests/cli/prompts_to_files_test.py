"""What is written of a task's or a file's prompts beside results: activations, and effects with texts:
python3 prompts_to_files_test.py PATCHBAY REPOSITORY"""

import csv
import json
import sys
import unittest

from cli_testing import CommandTest
from model_files import read_npz

PAIRS = [{"clean": [5, 2, 3, 4], "corrupted": [5, 9, 3, 4], "answer": 7, "wrong": 6, "note": "a, b"},
         {"clean": [1, 2, 3, 4, 8], "corrupted": [1, 9, 3, 4, 8], "answer": 5, "wrong": 6, "note": "c"},
         {"clean": [6, 2, 3, 4], "corrupted": [6, 9, 3, 4], "answer": 5, "wrong": 6, "note": "d"}]


class Files(CommandTest):
    def setUp(self):
        super().setUp()
        self.model = ["--model", str(self.repository / "tests/golden/tiny-gpt2")]
        (self.folder / "pairs.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in PAIRS))

    def test_cache_takes_the_prompts_of_a_file_each_length_as_a_batch(self):
        names = ["--names", "*hook_z", "--logits"]
        found = json.loads(self.run_ok("cache", *self.model, "--task", "file:pairs.jsonl", *names, "--out", "all.npz", "--json"))
        self.assertEqual((found["task"], found["side"], found["prompts"]), ("file:pairs.jsonl", "clean", 3))
        arrays = read_npz(self.folder / "all.npz")
        self.assertEqual([array["name"] for array in found["arrays"]], list(arrays))
        self.assertEqual(arrays["length_4.prompts"], ([2], (0, 2)))
        self.assertEqual(arrays["length_4.tokens"], ([2, 4], (5, 2, 3, 4, 6, 2, 3, 4)))
        self.assertEqual(arrays["length_5.prompts"], ([1], (1,)))
        for number, (length, row) in enumerate([("length_4.", 0), ("length_5.", 0), ("length_4.", 1)]):
            for side in ("clean", "corrupted"):
                self.run_ok("cache", *self.model, "--tokens", ",".join(map(str, PAIRS[number][side])), *names, "--out", "one.npz")
                one = read_npz(self.folder / "one.npz")
                if side == "corrupted":
                    self.run_ok("cache", *self.model, "--task", "file:pairs.jsonl", "--side", side, *names, "--out", "side.npz")
                both = arrays if side == "clean" else read_npz(self.folder / "side.npz")
                for name, (shape, values) in one.items():
                    batch, whole = both[length + name]
                    size = len(values)
                    self.assertEqual(batch[1:], shape[1:])
                    self.assertEqual(whole[row * size:(row + 1) * size], values, (number, side, name))

    def test_cache_of_equally_long_prompts_has_plain_names(self):
        self.run_ok("cache", "--model", "ioi-small", "--task", "ioi_lab", "--prompts", "3", "--names", "hook_embed", "--out", "x.npz")
        arrays = read_npz(self.folder / "x.npz")
        self.assertEqual(list(arrays), ["prompts", "tokens", "hook_embed"])
        self.assertEqual(arrays["tokens"][0][0], 3)

    def test_cache_refuses_prompts_that_are_given_twice(self):
        out = [*self.model, "--names", "*", "--out", "x.npz"]
        for args, says in [(["text", "--task", "ioi"], "given twice"), (["--tokens", "1", "--task", "ioi"], "given twice"),
                           (["--task", "ioi", "--side", "both"], "--side is clean or corrupted"), (["text", "--side", "clean"], "add --task")]:
            self.assertIn(says, self.error(2, "cache", *args, *out))

    def test_head_scores_begin_with_bos_where_prompts_do(self):
        words = ["run", "head_scores", "--task", "ioi", "--prompts", "2", "--sequences", "1", "--length", "20", "--json"]
        plain, bos = json.loads(self.run_ok(*words)), json.loads(self.run_ok(*words, "--bos"))
        self.assertNotEqual(plain["values"], bos["values"])
        self.assertEqual((plain["notes"], bos["notes"]), ([], ["sequences begin with BOS, which no score looks at"]))

    def test_effects_csv_has_intervals_units_and_the_texts_of_prompts(self):
        self.run_ok("run", "activation_patching", "--task", "ioi", "--prompts", "6", "--out", "r", "--format", "json,effects_csv")
        result = json.loads((self.folder / "r/activation_patching.json").read_text())
        with open(self.folder / "r/activation_patching.effects.csv", newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(list(rows[0])[:11], ["layer", "head", "prompt", "effect", "value", "standard_error", "low", "high", "p_value", "n", "unit"])
        clean = {column["name"]: column["texts"] for column in result["columns"]}["clean"]
        layers, heads = (len(axis["labels"]) for axis in result["axes"][:2])
        whole = [row for row in rows if row["prompt"] == ""]
        self.assertEqual(len(whole), len(result["effects"]) * layers * heads)
        for row in whole:
            at = int(row["layer"]), int(row["head"])
            effect = result["effects"][row["effect"]]
            for mine, theirs in (("value", "values"), ("low", "low"), ("high", "high"), ("standard_error", "standard_error")):
                value = effect[theirs][at[0]][at[1]]
                self.assertEqual(row[mine], "" if value is None else row[mine])
                self.assertTrue(value is None or float(row[mine]) == value)
            self.assertEqual((row["n"], row["prompt.clean"]), ("6", ""))
            self.assertEqual(row["unit"], {"raw": "logit_diff", "percent_of_clean": "percent of clean"}.get(row["effect"], "gap"))
        single = [row for row in rows if row["prompt"] != ""]
        self.assertEqual(len(single), layers * heads * 6)
        for row in single:
            prompt = int(row["prompt"])
            self.assertEqual((row["prompt.clean"], row["effect"], row["low"]), (clean[prompt], "raw", ""))
            raw = result["values"][int(row["layer"])][int(row["head"])][prompt] - result["baselines"]["clean"][prompt]
            self.assertEqual(float(row["value"]), raw)
        self.assertNotIn("prompt.clean tokens", rows[0])

    def test_a_files_own_columns_are_in_its_effects(self):
        self.run_ok("run", "accuracy", *self.model, "--task", "file:pairs.jsonl", "--out", "r", "--format", "effects_csv")
        with open(self.folder / "r/accuracy.effects.csv", newline="", encoding="utf-8") as file:
            notes = [row["prompt.note"] for row in csv.DictReader(file) if row["prompt"] != ""]
        self.assertEqual(notes[:3], ["a, b", "c", "d"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
