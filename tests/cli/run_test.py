"""Runs `patchbay run` as a user does: python3 run_test.py PATCHBAY REPOSITORY"""

import csv
import json
import signal
import struct
import subprocess
import sys
import time
import unittest
import zipfile

from cli_testing import CommandTest

PATCHING = ["run", "activation_patching", "--task", "ioi", "--prompts", "6"]


class RunTest(CommandTest):
    def test_a_result_file_holds_values_baselines_and_effects(self):
        self.run_ok(*PATCHING, "--out", "results", "--direction", "denoise")
        result = json.loads((self.folder / "results/activation_patching.json").read_text())
        self.assertEqual([axis["name"] for axis in result["axes"]], ["layer", "head", "prompt"])
        layers, heads, prompts = (len(axis["labels"]) for axis in result["axes"])
        self.assertEqual(prompts, 6)
        self.assertEqual((len(result["values"]), len(result["values"][0]),
                          len(result["values"][0][0])), (layers, heads, prompts))
        clean, corrupted = (sum(result["baselines"][side]) for side in ("clean", "corrupted"))
        patched = sum(result["values"][1][2])
        self.assertAlmostEqual(result["effects"]["fraction"]["values"][1][2],
                               (patched - corrupted) / (clean - corrupted), places=12)
        self.assertEqual(result["command"],
                         "patchbay run activation_patching --model ioi-small --task ioi "
                         "--prompts 6 --direction denoise")
        self.assertEqual(sorted(p.name for p in (self.folder / "results").iterdir()),
                         ["activation_patching.json"])

    def test_repeated_prompts_count_once_and_are_said(self):
        cases = self.repository / "tests/golden/prompts"
        for name, repeats, distinct in (("distinct_4", 50, 4), ("good20", 10, 20)):
            lines = (cases / f"{name}.jsonl").read_text()
            self.assertEqual(len(lines.splitlines()), distinct)
            (self.folder / "once.jsonl").write_text(lines)
            (self.folder / "often.jsonl").write_text(lines * repeats)
            texts, results = {}, {}
            for file in ("once", "often"):
                command = ["run", "activation_patching", "--task", f"file:{file}.jsonl", "--site", "z"]
                done = self.run_raw(*command)
                self.assertEqual(done.returncode, 0, done.stderr)
                texts[file] = done.stdout.decode()
                self.assertEqual(f"{distinct} of {distinct * repeats} prompts are distinct" in done.stderr.decode(),
                                 file == "often", done.stderr)
                results[file] = json.loads(self.run_ok(*command, "--json"))["effects"]["fraction"]
            self.assertIn(f"{distinct * repeats} prompts, {distinct} distinct", texts["often"])
            self.assertEqual(results["often"].pop("distinct_prompts"), distinct)
            self.assertNotIn("distinct_prompts", results["once"])
            rows = {file: text.split("largest\n")[1].splitlines()[:11] for file, text in texts.items()}
            self.assertEqual(rows["once"], rows["often"], "the same intervals, errors and p values")
            self.assertEqual("too few prompts" in rows["often"][1], distinct < 5)

    def test_a_circuit_of_another_model_needs_anyway(self):
        few = ["--task", "ioi", "--prompts", "6"]
        self.run_ok("run", "find_circuit", "--task", "ioi", "--prompts", "12", "--threshold", "2", "--samples", "1",
                    "--out", "found")
        file = self.folder / "found/find_circuit.json"
        own = json.loads(file.read_text())
        self.run_ok("run", "faithfulness", *few, "--circuit", str(file))
        own["model"]["name"] = "renamed"  # the same weights by another name
        file.write_text(json.dumps(own))
        self.run_ok("run", "faithfulness", *few, "--circuit", str(file))
        own["model"]["sha256"] = "0" * 64
        file.write_text(json.dumps(own))
        for experiment in ("faithfulness", "completeness", "minimality"):
            for circuit, says in ((str(file), 'was found on the model "renamed"'), ("lab", "is of GPT-2 small"),
                                  ("a: 1.1 9.9 @ END", "5 layers of 4 heads, so without 9.9")):
                message = self.error(2, "run", experiment, *few, "--circuit", circuit)
                for part in (says, "other jobs", "--anyway"):
                    self.assertIn(part, message)
        result = json.loads(self.run_ok("run", "faithfulness", *few, "--circuit", str(file), "--anyway", "--json"))
        self.assertEqual(result["options"]["anyway"], "yes")
        self.assertIn('the circuit was found on the model "renamed"', result["notes"][0])
        lacking = json.loads(self.run_ok("run", "faithfulness", *few, "--circuit", "a: 1.1 9.9 @ END", "--anyway", "--json"))
        alone = json.loads(self.run_ok("run", "faithfulness", *few, "--circuit", "a: 1.1 @ END", "--json"))
        self.assertEqual(lacking["values"], alone["values"])
        self.assertIn("without 9.9", lacking["notes"][0])
        self.assertEqual(alone["options"]["anyway"], "no")
        self.assertIn("none of the circuit's heads", self.error(2, "run", "faithfulness", *few, "--circuit", "9.9",
                                                                "--anyway", "yes"))

    def test_options_that_mean_nothing_are_refused_by_name(self):
        for options, says in ((["--nodes", "1.1", "--layers", "1"], "[--nodes] nodes name their layers"),
                              (["--nodes", "1.1", "--axes", "layer"], "[--nodes] nodes name their layers"),
                              (["--nodes", "1.1,1.1"], "[--nodes] 1.1 is given twice"),
                              (["--site", "resid_pre", "--heads", "1"], "[--heads] resid_pre has no heads"),
                              (["--sigma", "1"], "[--sigma] means nothing with --source other"),
                              (["--source-seed", "1", "--source", "zero"], "[--source-seed] means nothing"),
                              (["--source", "gaussian", "--sigma=-1"], "[--sigma] -1 is no standard deviation"),
                              (["--layers", "1,1"], "[--layers] 1 is given twice"),
                              (["--heads", "0,2,0"], "[--heads] 0 is given twice"),
                              (["--site", "z,z"], "[--site] z is given twice"),
                              (["--positions", "END,END"], "[--positions] END is given twice")):
            with self.subTest(options):
                self.assertIn(says, self.error(2, *PATCHING, *options))
        self.assertIn("[--noise] -1 is no standard deviation",
                      self.error(2, "run", "causal_tracing", "--task", "ioi", "--prompts", "6", "--noise=-1"))

    def test_what_cannot_change_its_sign_has_no_p(self):
        scores = self.run_ok("run", "head_scores", "--task", "ioi", "--sequences", "20")
        self.assertNotIn("p (Holm)", scores)
        self.assertIn("no test: mean attention cannot change its sign", scores)
        self.assertIn("p (Holm)", self.run_ok("run", "activation_patching", "--task", "ioi", "--prompts", "20"))

    def test_exchanged_answers_are_warned_of_once(self):
        lines = [json.loads(line)
                 for line in (self.repository / "tests/golden/prompts/good20.jsonl").read_text().splitlines()]
        for line in lines:
            line["answer"], line["wrong"] = line["wrong"], line["answer"]
        (self.folder / "exchanged.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        text = self.run_ok("run", "activation_patching", "--task", "file:exchanged.jsonl")
        self.assertEqual(text.count("are right and wrong answers, or the two prompts, exchanged?"), 1)
        self.assertNotIn("exchanged?", self.run_ok(*PATCHING))

    def test_prompts_that_a_mean_leaves_out_are_counted_where_it_is_printed(self):
        lines = [json.loads(line)
                 for line in (self.repository / "tests/golden/prompts/good20.jsonl").read_text().splitlines()]
        for line in lines[:3]:
            line["corrupted"] = line["clean"]
        (self.folder / "same.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        text = self.run_ok("run", "activation_patching", "--task", "file:same.jsonl", "--aggregate",
                           "mean_of_ratios")
        self.assertIn("logit_diff, noise, 17 of 20 prompts", text)
        self.assertIn("note: fraction is of 17 of 20 prompts: 3 (prompts 0, 1, 2) left out because the gap is near 0",
                      text)
        for line in lines[:5]:
            del line["wrong"]
        (self.folder / "none.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        accuracy = self.run_ok("run", "accuracy", "--task", "file:none.jsonl")
        self.assertIn("15 to 20 of 20 prompts", accuracy)
        self.assertRegex(accuracy, r"clean +logit_diff .* 15 of 20")

    def test_formats_hold_the_same_numbers(self):
        self.run_ok(*PATCHING, "--out", "r", "--format", "npz,csv,json")
        self.assertEqual(sorted(p.suffix for p in (self.folder / "r").iterdir()),
                         [".csv", ".json", ".npz"])
        result = json.loads((self.folder / "r/activation_patching.json").read_text())
        flat = [value for layer in result["values"] for head in layer for value in head]
        with (self.folder / "r/activation_patching.csv").open(newline="") as file:
            self.assertEqual([float(row["value"]) for row in csv.DictReader(file)], flat)
        with zipfile.ZipFile(self.folder / "r/activation_patching.npz") as arrays:
            data = arrays.read("values.npy")
        self.assertEqual(list(struct.unpack(f"<{len(flat)}d", data[-8 * len(flat):])), flat)

        self.run_ok(*PATCHING, "--out", "only", "--format", "csv")
        self.assertEqual(sorted(p.name for p in (self.folder / "only").iterdir()),
                         ["activation_patching.csv", "activation_patching.question"])
        self.assertIn('did you mean "csv"?',
                      self.error(2, *PATCHING, "--out", "x", "--format", "cvs"))
        self.assertIn("add --out DIR", self.error(2, *PATCHING, "--format", "csv"))

    def test_path_patching_names_senders_and_receivers(self):
        command = ["run", "path_patching", "--task", "ioi", "--prompts", "6", "--json"]
        to_logits = json.loads(self.run_ok(*command))
        self.assertEqual([axis["name"] for axis in to_logits["axes"]], ["layer", "head", "prompt"])
        matrix = json.loads(self.run_ok(
            *command, "--sender", "1.1,1.2+0.1,mlp0", "--receiver", "q:2.2,2.3",
            "--receiver-position", "END", "--each-receiver", "yes"))
        self.assertEqual([axis["labels"] for axis in matrix["axes"][:2]],
                         [["1.1", "1.2+0.1", "mlp0"], ["q:2.2", "q:2.3"]])
        for wrong, says in ((["--sender", "9.1"], "the model has layers 0 to 4"),
                            (["--sender", "x"], '"x" is not a head such as 9.6'),
                            (["--receiver", "w:1.1"], 'there is no receiver "w"'),
                            (["--receiver", "q"], "does not say which: write q:9.6"),
                            (["--mlps", "froze"], 'did you mean "frozen"?'),
                            (["--each-receiver", "yes"], "the logits are one receiver")):
            with self.subTest(wrong):
                self.assertIn(says, self.error(2, *command, *wrong))

    def test_threads_and_memory_change_no_byte(self):
        for number, options in enumerate((["--threads", "1"], ["--threads", "3"],
                                          ["--max-memory", "2M"])):
            self.run_ok(*PATCHING, *options, "--out", f"r{number}", "--site", "resid_pre,mlp_out",
                        "--positions", "IO,S2,END")
        results = {(self.folder / f"r{n}/activation_patching.json").read_bytes() for n in range(3)}
        self.assertEqual(len(results), 1)

    def test_too_little_memory_says_how_much_is_needed(self):
        text = self.error(2, *PATCHING, "--max-memory", "10K")
        self.assertIn("this sweep needs at least", text)

    def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(self):
        for experiment, options in (
                ("activation_patching", ["--prompts", "40", "--site", "mlp_post", "--axes", "layer,neuron",
                                         "--neurons", "0-39", "--max-memory", "3M"]),
                # Many sweeps that share what is finished.
                ("find_circuit", ["--prompts", "12", "--threshold", "2", "--samples", "1"]),
                ("completeness", ["--prompts", "12", "--circuit", "1.1 1.2 2.2 @ END; 0.1 0.2 @ S1+1"])):
            with self.subTest(experiment):
                self.killed_twice(experiment, ["--task", "ioi", "--threads", "1", *options])

    def killed_twice(self, experiment, options):
        command = ["run", experiment, *options]
        whole, cut = f"{experiment}-whole", f"{experiment}-cut"
        self.run_ok(*command, "--out", whole)
        partial = self.folder / cut / f"{experiment}.partial"
        for number in (signal.SIGKILL, signal.SIGTERM):
            process = subprocess.Popen([self.patchbay, *command, "--out", cut], cwd=self.folder,
                                       env=self.env, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            size = partial.stat().st_size if partial.exists() else 0
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and process.poll() is None:
                if partial.exists() and partial.stat().st_size > size + 4000:
                    break
                time.sleep(0.001)
            process.send_signal(number)
            process.wait(60)
            self.assertNotEqual(process.returncode, 0)
            self.assertTrue(partial.exists())
            self.assertFalse((self.folder / cut / f"{experiment}.json").exists())
        self.run_ok(*command, "--out", cut)
        self.assertEqual((self.folder / cut / f"{experiment}.json").read_bytes(),
                         (self.folder / whole / f"{experiment}.json").read_bytes())
        self.assertFalse(partial.exists())

    def test_every_experiment_runs_with_its_defaults(self):
        for name in ("accuracy", "logit_lens", "path_patching", "direct_logit_attribution", "causal_tracing",
                     "attention_patterns", "find_circuit", "head_scores", "copy_scores", "attention_projection"):
            positions = {"causal_tracing": ["--positions", "S2,END"],
                         "attention_patterns": ["--src-positions", "IO,S1"]}.get(name, [])
            # With options of the command itself, which no experiment may take for its own.
            result = json.loads(self.run_ok("run", name, "--task", "ioi", "--prompts", "6", "--seed", "2",
                                            "--top", "3", "--json", *positions))
            self.assertEqual(result["experiment"], name)

    def test_prompts_of_a_file_are_run(self):
        (self.folder / "p.jsonl").write_text(json.dumps(
            {"clean": "Mary and John went to the store. John gave a book to",
             "corrupted": "Mary and John went to the store. Mary gave a book to",
             "answer": " Mary", "wrong": " John"}) + "\n")
        text = self.run_ok("run", "activation_patching", "--task", "file:p.jsonl", "--bos", "--site",
                           "resid_post")
        self.assertIn("layer \\ position", text)
        self.assertIn("change nothing", text)

    def test_a_wrong_call_is_one_sentence(self):
        self.assertIn('did you mean "activation_patching"?',
                      self.error(2, "run", "activation_paching", "--task", "ioi"))
        self.assertIn("no task is given", self.error(2, "run", "accuracy"))
        self.assertIn("accuracy has no option --site",
                      self.error(2, "run", "accuracy", "--task", "ioi", "--site", "z"))
        self.assertIn('did you mean "logit_diff"?',
                      self.error(2, *PATCHING, "--metric", "logit_dif"))
        self.assertIn('there is no option "--sources"; did you mean "--src-positions"?',
                      self.error(2, *PATCHING, "--sources", "IO"))
        self.assertIn("[--axes] destination and source are axes of pattern and attn_scores; add --site pattern",
                      self.error(2, *PATCHING, "--axes", "source"))
        self.assertIn("have different lengths, so position numbers mean different things",
                      self.error(2, *PATCHING, "--site", "resid_pre"))
        self.assertIn("the folder cannot be made",
                      self.error(73, *PATCHING, "--out", "/proc/nowhere"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
