"""Runs `patchbay study` as a user does: python3 study_test.py PATCHBAY REPOSITORY"""

import json
import re
import signal
import subprocess
import sys
import time
import unittest

from cli_testing import CommandTest

LONG = """title = "Long"
model = "ioi-small"
[task]
name = "ioi"
prompts = 60
[[experiment]]
id = "accuracy"
experiment = "accuracy"
title = "Accuracy"
[[experiment]]
id = "neurons"
experiment = "activation_patching"
title = "Neurons"
options = { site = "mlp_post", axes = "layer,neuron", neurons = "0-39" }
"""


class StudyTest(CommandTest):
    def refused(self, text, code=78):
        (self.folder / "mine.toml").write_text(text)
        message = self.error(code, "study", "mine.toml", "--out", "out")
        self.assertFalse((self.folder / "out").exists())
        return message

    def test_studies_are_listed_and_a_wrong_name_gets_the_nearest(self):
        listed = self.run_ok("study", "--list")
        for name in ("figure_3b", "ioi_lab", "ioi_paper"):
            self.assertIn(name, listed)
        self.assertEqual([s["name"] for s in json.loads(self.run_ok("study", "--list", "--json"))["studies"]],
                         ["figure_3b", "ioi_lab", "ioi_paper"])
        self.assertIn('did you mean "ioi_lab"?', self.error(66, "study", "ioi_lap"))
        self.assertIn("nowhere.toml", self.error(66, "study", "nowhere.toml"))
        self.assertIn("no study is named", self.error(2, "study"))

    def test_both_studies_write_a_file_per_experiment_and_the_same_bytes_twice(self):
        for study in ("figure_3b", "ioi_lab"):
            texts = [self.run_ok("study", study, "--out", f"{study}{n}", *threads)
                     for n, threads in enumerate((["--threads", "1"], ["--threads", "2"]))]
            self.assertEqual(texts[0], texts[1])
            source = (self.repository / f"studies/{study}.toml").read_text()
            ids = set(re.findall(r'^id = "(\w+)"', source, re.MULTILINE)) - {"one_head"}
            names = {f"{name}.json" for name in ids | {"patterns_of_heads"}}
            self.assertEqual({p.name for p in (self.folder / f"{study}0").iterdir()},
                             names | {"study.json", "report.html"})
            for name in ("study.json", "report.html"):
                first, second = ((self.folder / f"{study}{n}" / name).read_bytes() for n in (0, 1))
                self.assertEqual(first, second)
            for name in ids:
                first, second = ((self.folder / f"{study}{n}/{name}.json").read_bytes() for n in (0, 1))
                self.assertEqual(first, second)
                self.assertEqual(json.loads(first)["command"], f"patchbay study {study}")

    def test_paths_in_a_study_are_relative_to_its_file(self):
        golden = self.repository / "tests/golden/prompts"
        deep = self.folder / "deep/studies"
        deep.mkdir(parents=True)
        (deep / "good20.jsonl").write_bytes((golden / "good20.jsonl").read_bytes())
        study = (golden / "relative_task.toml").read_text()
        (deep / "relative_task.toml").write_text(study)
        self.run_ok("study", "deep/studies/relative_task.toml", "--out", "out")
        self.run_ok("study", str(deep / "relative_task.toml"), "--out", "out")  # the same question
        self.run_ok("study", str(golden / "relative_task.toml"), "--out", "out")  # and the same prompts elsewhere
        # A model and a circuit beside the study, and a model on the command line, which is where we are.
        (deep / "model").symlink_to(self.repository / "models/ioi-small")
        self.run_ok("run", "find_circuit", "--task", "ioi", "--prompts", "12", "--threshold", "2", "--samples", "1",
                    "--out", "deep/studies/found")
        circuit = """[[experiment]]
id = "alone"
experiment = "faithfulness"
title = "Alone"
options = { circuit = "found/find_circuit.json" }
"""
        study = study.replace('"ioi-small"', '"model"').replace("file:good20.jsonl", "ioi").replace('[task]', '[task]\nprompts = 6')
        (deep / "mine.toml").write_text(study + circuit)
        self.run_ok("study", "deep/studies/mine.toml", "--out", "mine")
        self.assertIn("model: there is no such folder", self.error(66, "study", "deep/studies/mine.toml", "--model", "./model"))
        (deep / "mine.toml").write_text(study.replace('"model"', '"./nowhere"'))
        self.assertIn("deep/studies/./nowhere", self.error(66, "study", "deep/studies/mine.toml"))

    def test_ioi_paper_finds_a_circuit_and_looks_at_its_heads(self):
        text = self.run_ok("study", "ioi_paper", "--out", "paper")
        files = sorted(p.name for p in (self.folder / "paper").iterdir())
        self.assertIn("circuit.dot", files)
        circuit = json.loads((self.folder / "paper/circuit.json").read_text())
        self.assertEqual(circuit["model"]["weight_processing"], ["fold_layer_norm", "center_writing_weights",
                                                        "center_unembed", "fold_value_biases"])
        movers = [edge.split("@")[0] for edge in circuit["axes"][0]["labels"] if edge.endswith("@END -> logits")]
        queries = json.loads((self.folder / "paper/to_name_mover_queries.json").read_text())
        self.assertEqual(queries["options"]["receiver"], "q:" + ",".join(sorted(movers)))
        # The circuit by itself is as good in the next experiment as the search says.
        alone = json.loads((self.folder / "paper/faithfulness.json").read_text())
        left = 100 * sum(alone["values"][0]) / sum(alone["baselines"]["clean"])
        self.assertIn(f": {left:.1f} % of the clean logit_diff", circuit["notes"][1])
        self.assertIn("left out: in this model's circuit no head stands in for the S-inhibition heads", text)
        self.assertNotIn("naive_completeness.json", files)

    def test_a_study_goes_on_where_no_circuit_is_found(self):
        (self.folder / "mine.toml").write_text("""title = "None"
model = "ioi-small"
[task]
name = "ioi"
prompts = 4
[circuit]
published = "paper"
found_by = "search"
[[experiment]]
id = "search"
experiment = "find_circuit"
title = "Search"
options = { threshold = 1000 }
[[experiment]]
id = "alone"
experiment = "faithfulness"
title = "Alone"
options = { circuit = "{circuit}" }
[[experiment]]
id = "last"
experiment = "accuracy"
title = "Accuracy"
""")
        shown = self.run_ok("study", "mine.toml", "--out", "out")
        self.assertIn("left out: [threshold] no path from a head to the logits changes logit_diff by 1000 percent",
                      shown)
        self.assertIn("left out: no circuit was found", shown)
        self.assertEqual(sorted(p.name for p in (self.folder / "out").iterdir()),
                         ["last.json", "report.html", "study.json"])

    def test_ioi_paper_on_the_reference_model_is_about_the_papers_heads(self):
        # ioi-small in the place of GPT-2 small: its five layers have none of those heads, which is said.
        text = (self.repository / "studies/ioi_paper.toml").read_text()
        config = json.loads((self.repository / "models/ioi-small/config.json").read_text())
        for key, there, here in (("n_layers", 12, config["n_layer"]), ("n_heads", 12, config["n_head"]),
                                 ("d_model", 768, config["n_embd"])):
            text = text.replace(f"{key} = {there}\n", f"{key} = {here}\n")
        self.assertIn('the circuit "naive" is of GPT-2 small', self.refused(text))

    def test_figure_3b_says_what_the_walkthrough_says(self):
        text = self.run_ok("study", "figure_3b", "--out", "out", "--quiet")
        heads = json.loads((self.folder / "out/heads.json").read_text())
        clean, corrupted = (sum(heads["baselines"][side]) / 10 for side in ("clean", "corrupted"))
        for words, number in (("clean", clean), ("corrupted", corrupted), ("gap", clean - corrupted)):
            self.assertRegex(text, rf"\n{words} +{re.escape(f'{number:+.4f}')}")
        raw = sorted(((sum(cell) / 10 - corrupted, f"{layer}.{head}")
                      for layer, row in enumerate(heads["values"]) for head, cell in enumerate(row)),
                     reverse=True)
        for rank, (effect, head) in enumerate(raw[:10], 1):
            percent = f"{100 * effect / (clean - corrupted):.1f} %"
            self.assertRegex(text, rf"\n{rank} +{head} +{re.escape(f'{effect:+.4f}')} +{percent}")
        self.assertIn(f"{raw[0][1]} alone", text)
        self.assertEqual(text.count("this is about GPT-2 small (12 layers of 12 heads, d_model 768)"), 3)
        self.assertNotIn("name mover in the paper", text)

    def test_ioi_lab_says_what_the_lab_says(self):
        text = self.run_ok("study", "ioi_lab", "--quiet")
        for words in ("right: 10 of 10", "answer ids", "layer 2 alone", "→ corrupts", "→ helps",
                      "as written", "name mover", "S1+1", "clean END IO"):
            self.assertIn(words, text)

    def test_a_step_about_the_reference_model_runs_on_that_model(self):
        text = (self.repository / "studies/figure_3b.toml").read_text()
        config = json.loads((self.repository / "models/ioi-small/config.json").read_text())
        for key, there, here in (("n_layers", 12, config["n_layer"]), ("n_heads", 12, config["n_head"]),
                                 ("d_model", 768, config["n_embd"])):
            text = text.replace(f"{key} = {there}\n", f"{key} = {here}\n")
        for there, here in (("9.9", "2.1"), ("10.0", "1.2"), ("9.6", "0.1")):
            text = text.replace(f'"{there}"', f'"{here}"')
        (self.folder / "mine.toml").write_text(text)
        shown = self.run_ok("study", "mine.toml", "--out", "out")
        one = json.loads((self.folder / "out/one_head.json").read_text())
        heads = json.loads((self.folder / "out/heads.json").read_text())
        self.assertEqual(one["values"][0], heads["values"][2][1])
        self.assertRegex(shown, r"\n2\.1 alone")
        self.assertRegex(shown, r"name mover in the paper +0\.1 +\d+ of 20 ")
        self.assertRegex(shown, r"\n2\.1 +\S+ +\S+ % +\+1\.2176")
        self.assertRegex(shown, r"\n10\.7 +- +- +-0\.7048")
        self.assertNotIn("left out: this is about", shown)

    def test_a_bad_study_is_refused_before_anything_runs(self):
        text = (self.repository / "studies/ioi_lab.toml").read_text()
        self.assertIn("mine.toml, line",
                      self.refused(text.replace('"causal_tracing"\ntitle', '"causal"\ntitle')))
        wrong = text.replace('subject = "S2", positions', 'subjekt = "S2", positions')
        line = wrong[:wrong.index("subjekt")].count("\n") + 1
        self.assertIn(f'mine.toml, line {line}: causal_tracing has no option "subjekt"; did you mean "subject"?',
                      self.refused(wrong))

    def test_what_model_and_prompts_refuse_is_said_before_anything_runs(self):
        text = (self.repository / "studies/ioi_lab.toml").read_text()
        for there, wrong, says in (
                ('subject = "S2"', 'subject = "S9"', "causal_tracing: "),
                ('layers = "middle"', "layers = 99", "one_patch: [layers]"),
                ('experiment = "accuracy"', 'experiment = "accuracy"\noptions = { metrics = "rang" }',
                 "[metric]"),
                ('site = "mlp_out", axes = "layer" }', 'site = "mlp", axes = "layer" }', "mlps_by_layer: ")):
            with self.subTest(wrong):
                self.assertIn(there, text)
                message = self.refused(text.replace(there, wrong))
                self.assertIn("mine.toml, line ", message)
                self.assertIn(says, message)

    def test_a_finished_study_runs_again_as_a_whole(self):
        (self.folder / "long.toml").write_text(LONG.replace("0-39", "0-3"))
        for _ in range(2):
            done = self.run_raw("study", "long.toml", "--out", "out", "--format", "json,csv")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertNotIn(b"finished before", done.stderr)
            self.assertEqual(sorted(p.name for p in (self.folder / "out").iterdir()),
                             ["accuracy.csv", "accuracy.json", "neurons.csv", "neurons.json", "study.json"])

    def test_a_killed_study_goes_on_and_ends_with_the_same_bytes(self):
        (self.folder / "long.toml").write_text(LONG)
        command = ["study", "long.toml", "--threads", "1", "--max-memory", "3M"]
        shown = self.run_ok(*command, "--out", "whole")
        partial = self.folder / "cut/study.partial"
        process = subprocess.Popen([self.patchbay, *command, "--out", "cut"], cwd=self.folder, env=self.env,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            if partial.exists() and partial.stat().st_size > 4000:
                break
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        self.assertNotEqual(process.returncode, 0)
        self.assertTrue(partial.exists())
        self.assertFalse((self.folder / "cut/neurons.json").exists())
        self.assertTrue((self.folder / "cut/study.partial").exists())
        done = self.run_raw(*command, "--out", "cut")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"accuracy was finished before: cut/accuracy.json", done.stderr)
        self.assertEqual(done.stdout.decode(), shown)
        self.assertEqual(sorted(p.name for p in (self.folder / "cut").iterdir()),
                         ["accuracy.json", "neurons.json", "report.html", "study.json"])
        for name in ("accuracy", "neurons"):
            self.assertEqual((self.folder / f"cut/{name}.json").read_bytes(),
                             (self.folder / f"whole/{name}.json").read_bytes())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
