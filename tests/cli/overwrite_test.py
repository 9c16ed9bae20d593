"""A result is never overwritten by a different one: python3 overwrite_test.py PATCHBAY REPOSITORY"""

import signal
import subprocess
import sys
import time
import unittest

from cli_testing import CommandTest

PATCHING = ["run", "activation_patching", "--task", "ioi", "--prompts", "6"]
LONG = ["run", "activation_patching", "--task", "ioi", "--prompts", "60", "--site", "mlp_post", "--axes",
        "layer,neuron", "--neurons", "0-39"]
STUDY = """title = "Mine"
model = "ioi-small"
[task]
name = "ioi"
prompts = 6
[[experiment]]
id = "right"
experiment = "accuracy"
title = "Accuracy"
[[experiment]]
id = "heads"
experiment = "activation_patching"
title = "Heads"
options = { metric = "logit_diff" }
"""


class OverwriteTest(CommandTest):
    def contents(self, folder="out"):
        return {str(p.relative_to(self.folder)): p.read_bytes() for p in (self.folder / folder).rglob("*") if p.is_file()}

    def refused(self, *args, says):
        before = self.contents()
        message = self.error(2, *args)
        for part in (says, "--out", "--overwrite"):
            self.assertIn(part, message)
        self.assertEqual(self.contents(), before)

    def test_another_question_is_refused_and_the_same_one_is_a_rerun(self):
        self.run_ok(*PATCHING, "--out", "out", "--format", "json,svg")
        first = self.contents()
        for other, says in ((["--metric", "prob"], 'metric ("logit_diff" there, "prob" here)'),
                            (["--seed", "9"], "other prompts"), (["--bos"], "BOS"),
                            (["--process", "center_unembed"], "weight processing"),
                            (["--metric", "prob", "--format", "npz"], "metric"),
                            (["--metric", "prob", "--shard", "1/2"], "metric")):
            self.refused(*PATCHING, *other, "--out", "out", says=says)
        self.run_ok(*PATCHING, "--out", "out", "--threads", "1")
        self.assertEqual(self.contents(), first)
        model = self.repository / "models/ioi-small"
        self.run_ok(*PATCHING, "--model", str(model), "--out", "out")  # the same weights by another name

    def test_overwrite_leaves_no_stale_picture(self):
        self.run_ok(*PATCHING, "--out", "out", "--format", "json,csv,effects_csv,svg,png")
        self.run_ok(*PATCHING, "--out", "out", "--metric", "prob", "--overwrite")
        self.assertEqual(list(self.contents()), ["out/activation_patching.json"])
        self.run_ok(*PATCHING, "--out", "alone", "--metric", "prob")
        self.assertEqual(list(self.contents().values()), list(self.contents("alone").values()))

    def test_results_without_json_are_known_too(self):
        self.run_ok(*PATCHING, "--out", "out", "--format", "csv")
        self.refused(*PATCHING, "--out", "out", "--format", "csv", "--metric", "prob", says="metric")
        self.run_ok(*PATCHING, "--out", "out", "--format", "csv")
        self.run_ok(*PATCHING, "--out", "out")
        self.assertEqual(sorted(self.contents()), [f"out/activation_patching.{e}" for e in ("csv", "json")])

    def test_unfinished_values_of_another_run_are_kept(self):
        running = subprocess.Popen([self.patchbay, *LONG, "--out", "out", "--threads", "1"], cwd=self.folder,
                                   env=self.env, stderr=subprocess.DEVNULL)
        partial = self.folder / "out/activation_patching.partial"
        while running.poll() is None and not (partial.exists() and partial.stat().st_size > 4000):
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        self.assertNotEqual(running.wait(), 0)
        self.refused(*LONG, "--metric", "prob", "--out", "out", says="has finished so far")
        self.run_ok(*LONG, "--out", "out")
        self.run_ok(*LONG, "--out", "alone")
        self.assertEqual(list(self.contents().values()), list(self.contents("alone").values()))

    def test_a_study_is_not_overwritten_by_another_nor_by_its_own_other_settings(self):
        (self.folder / "mine.toml").write_text(STUDY)
        self.run_ok("study", "mine.toml", "--out", "out")
        first = self.contents()
        self.run_ok("study", "mine.toml", "--out", "out")
        self.assertEqual(self.contents(), first)
        self.refused("study", "ioi_lab", "--out", "out", says='"patchbay study mine.toml"')
        (self.folder / "mine.toml").write_text(STUDY.replace("logit_diff", "prob"))
        self.refused("study", "mine.toml", "--out", "out", says="heads.json")
        self.refused("study", "mine.toml", "--out", "out", "--shard", "1/2", says="heads.json")
        self.run_ok("study", "mine.toml", "--out", "out", "--overwrite")
        self.run_ok("study", "mine.toml", "--out", "alone")
        self.assertEqual(list(self.contents().values()), list(self.contents("alone").values()))

    def test_a_study_without_json_is_known_too(self):
        (self.folder / "mine.toml").write_text(STUDY)
        for _ in range(2):
            self.run_ok("study", "mine.toml", "--out", "out", "--format", "html,csv")
        self.refused("study", "ioi_lab", "--out", "out", says='study ("mine.toml" there, "ioi_lab" here)')

    def test_a_merge_refuses_what_another_run_left(self):
        self.run_ok(*PATCHING, "--out", "out", "--shard", "1/1")
        self.run_ok("merge", "out")
        self.run_ok("merge", "out")
        self.run_ok(*PATCHING, "--out", "out", "--metric", "prob", "--overwrite")
        self.refused("merge", "out", says='metric ("prob" there, "logit_diff" here)')
        self.run_ok("merge", "out", "--overwrite")
        self.refused(*PATCHING, "--metric", "prob", "--shard", "1/1", "--out", "out", says="metric")

    def test_pages_and_pictures_do_not_replace_those_of_other_results(self):
        golden = self.repository / "tests/golden/report"
        self.run_ok("report", str(golden / "heads.json"), "--out", "out")
        self.run_ok("report", str(golden / "heads.json"), "--out", "out", "--title", "Heads")
        self.refused("report", str(golden / "mlps.json"), "--out", "out", says="report.html")
        self.run_ok("report", str(golden / "mlps.json"), "--out", "out", "--overwrite")
        self.run_ok("report", str(golden / "heads.json"), "--out", "out/mine.html")
        self.run_ok("report", str(golden / "mlps.json"), "--out", "out/mine.html")  # a name that somebody chose
        (self.folder / "out/heads.json").write_bytes((golden / "heads_bos.json").read_bytes())
        self.refused("report", str(golden / "heads.json"), "--format", "svg", "--out", "out", says="heads.json")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
