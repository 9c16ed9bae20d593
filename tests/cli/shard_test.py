"""Runs and studies in shards, as a user does: python3 shard_test.py PATCHBAY REPOSITORY"""

import shutil
import sys
import unittest

from cli_testing import CommandTest

STUDY = """title = "Shards"
model = "ioi-small"
[task]
name = "ioi"
prompts = 6
[circuit]
published = "paper"
found_by = "search"
[[experiment]]
id = "accuracy"
experiment = "accuracy"
title = "Accuracy"
[[experiment]]
id = "heads"
experiment = "activation_patching"
title = "Heads"
[[experiment]]
id = "paths"
experiment = "path_patching"
title = "Paths"
options = { preset = "paper,pyvene" }
[[experiment]]
id = "search"
experiment = "find_circuit"
title = "Search"
options = { threshold = THRESHOLD }
[[experiment]]
id = "alone"
experiment = "faithfulness"
title = "Alone"
options = { circuit = "{circuit}" }
[[experiment]]
id = "needed"
experiment = "minimality"
title = "Needed"
options = { circuit = "{circuit}" }
[[experiment]]
id = "tracing"
experiment = "causal_tracing"
title = "Tracing"
options = { subject = "S2", positions = "END", draws = 2 }
"""


class ShardTest(CommandTest):
    def contents(self, name):
        folder = self.folder / name
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*")
                if path.is_file() and not path.parent.name.startswith("shard-")}

    def scope_length(self, name):
        return int.from_bytes((self.folder / name).read_bytes()[17:25], "little")

    def shards(self, count, *command):
        for number in range(1, count + 1):
            self.assertEqual(self.run_ok(*command, "--shard", f"{number}/{count}"), "")

    def test_a_study_in_shards_has_the_bytes_of_a_whole_one(self):
        counts = (2,) if self.sanitized else (1, 2, 5)
        for threshold in ("3", "1000"):  # a circuit is found, and none is
            (self.folder / "mine.toml").write_text(STUDY.replace("THRESHOLD", threshold))
            shown = self.run_ok("study", "mine.toml", "--out", "whole")
            whole = self.contents("whole")
            for count in counts:
                self.shards(count, "study", "mine.toml", "--out", "parts")
                self.assertEqual(self.contents("parts"), {})
                self.assertEqual(self.run_ok("merge", "parts"), shown)
                self.assertEqual(self.contents("parts"), whole)
                # Once more: the shards are still there.
                self.run_ok("merge", "parts", "--threads", "1")
                self.assertEqual(self.contents("parts"), whole)
                shutil.rmtree(self.folder / "parts")
            shutil.rmtree(self.folder / "whole")

    def test_a_run_in_shards_computes_nothing_again(self):
        command = ["run", "activation_patching", "--task", "ioi", "--prompts", "5", "--site", "q", "--out"]
        shown = self.run_ok(*command, "whole", "--format", "json,csv")
        self.shards(3, *command, "parts", "--format", "json,csv")
        # 5 layers x 4 heads x 5 prompts, each in one shard, and the baselines of both sides in all of them.
        sizes = [(self.folder / f"parts/shard-{n}-of-3/activation_patching.partial").stat().st_size for n in (1, 2, 3)]
        start = len("patchbay cells 1\n") + 16 + self.scope_length("parts/shard-1-of-3/activation_patching.partial")
        cells = [(size - start) // 32 - 2 * 5 for size in sizes]
        self.assertEqual(sum(cells), 5 * 4 * 5)
        self.assertGreater(min(cells), 20)
        self.assertEqual(self.run_ok("merge", "parts"), shown)
        self.assertEqual(self.contents("parts"), self.contents("whole"))

    def test_a_wrong_call_is_one_sentence(self):
        run = ["run", "activation_patching", "--task", "ioi", "--prompts", "3"]
        self.assertIn("add --out DIR", self.error(2, *run, "--shard", "1/2"))
        for wrong in ("2", "0/2", "3/2", "a/b", "1/2/3", "-1/2", "1/0"):
            self.assertIn("--shard", self.error(2, *run, "--out", "x", f"--shard={wrong}"))
        self.assertIn("add it to --format", self.error(2, *run, "--out", "x", "--format", "csv", "--shard", "1/2"))
        self.assertIn("cannot be sharded", self.error(2, "run", "find_circuit", "--task", "ioi", "--out", "x", "--shard", "1/2"))
        self.assertFalse((self.folder / "x").exists())
        self.assertIn("there are no shards", self.error(66, "merge", "nowhere"))
        self.assertIn("no folder is named", self.error(2, "merge"))
        self.run_ok(*run, "--out", "y", "--shard", "2/3")
        self.assertIn("shard 1/3, 3/3 has not finished", self.error(66, "merge", "y"))
        self.run_ok(*run, "--out", "y", "--shard", "1/2")
        self.assertIn("there are shards of 2 and of 3", self.error(66, "merge", "y"))
        self.run_ok(*run, "--out", "z", "--shard", "1/2")
        self.run_ok(*run, "--site", "k", "--out", "z", "--shard", "2/2")
        self.assertIn("run the shards of one command", self.error(65, "merge", "z"))

    def test_shards_of_other_weights_are_not_put_together(self):
        shutil.copytree(self.repository / "models/ioi-small", self.folder / "m")
        run = ["run", "activation_patching", "--task", "ioi", "--prompts", "3", "--model", "m", "--out", "out"]
        self.run_ok(*run, "--shard", "1/2")
        weights = bytearray((self.folder / "m/model.safetensors").read_bytes())
        weights[-4] ^= 1  # the last bits of one weight
        (self.folder / "m/model.safetensors").write_bytes(weights)
        self.run_ok(*run, "--shard", "2/2")
        self.assertIn("of different runs", self.error(65, "merge", "out"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
