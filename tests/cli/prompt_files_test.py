"""Runs `patchbay run` on prompt files as people have them: python3 prompt_files_test.py PATCHBAY REPOSITORY"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

PATCHBAY = ""
REPOSITORY = pathlib.Path()


class PromptFiles(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="patchbay-prompts-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def run_raw(self, experiment, name, *args):
        path = REPOSITORY / "tests/golden/prompts" / name
        return subprocess.run([PATCHBAY, "run", experiment, "--task", f"file:{path}", *args],
                              capture_output=True, text=True, cwd=self.folder, timeout=120,
                              check=False)

    def run_ok(self, experiment, name, *args):
        done = self.run_raw(experiment, name, *args)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def result(self, experiment, name, *args):
        return json.loads(self.run_ok(experiment, name, *args, "--json").stdout)

    def column(self, result, name):
        return next(column["texts"] for column in result["columns"] if column["name"] == name)

    def test_arrays_and_tables_are_read(self):
        for name in ["array.json", "pairs.csv", "byte_order_mark.jsonl"]:
            result = self.result("accuracy", name)
            self.assertEqual(len(self.column(result, "clean")), 2, name)
            self.assertEqual(self.column(result, "answer"), [" Sarah", " Sarah"], name)

    def test_special_tokens_may_be_said_by_the_prompt_and_by_a_study(self):
        case = (REPOSITORY / "tests/golden/prompts/special_token_in_text.jsonl").read_text()
        pair = json.loads(case.splitlines()[0])
        study = 'title = "S"\nmodel = "ioi-small"\n[task]\nname = "file:p.jsonl"\n[[experiment]]\nid = "a"\nexperiment = "accuracy"\ntitle = "A"\n'
        (self.folder / "s.toml").write_text(study)

        def tokens(special, *args):
            said = {} if special is None else {"special": special}
            (self.folder / "p.jsonl").write_text(json.dumps(pair | said) + "\n")
            done = subprocess.run([PATCHBAY, *args], capture_output=True, text=True, cwd=self.folder, timeout=120, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            return "is read as plain characters" in done.stderr

        show = ["task", "show", "file:p.jsonl"]
        for command in (show, ["run", "accuracy", "--task", "file:p.jsonl"], ["study", "s.toml"]):
            self.assertTrue(tokens(None, *command))
            self.assertFalse(tokens(None, *command, "--special"))
            self.assertFalse(tokens(True, *command))
            self.assertTrue(tokens(False, *command, "--special"))
        (self.folder / "t.csv").write_text('clean,corrupted,answer,wrong,special\n"A B","A C"," Tom"," Mary",maybe\n')
        done = subprocess.run([PATCHBAY, "task", "show", "file:t.csv"], capture_output=True, text=True, cwd=self.folder,
                              timeout=120, check=False)
        self.assertEqual(done.returncode, 65)
        self.assertIn("must be true or false", done.stderr)

    def test_columns_of_ones_own_are_in_the_result(self):
        self.assertEqual(self.column(self.result("accuracy", "own_key.jsonl"), "id"), ["0", "1"])

    def test_all_unfit_prompts_are_named_at_once_or_left_out(self):
        done = self.run_raw("accuracy", "one_bad_of_20.jsonl")
        self.assertEqual(done.returncode, 65, done.stderr)
        self.assertEqual(done.stderr.count("one_bad_of_20.jsonl:"), 2, done.stderr)
        self.assertIn("--skip-unfit", done.stderr)
        done = self.run_ok("accuracy", "one_bad_of_20.jsonl", "--skip-unfit")
        self.assertIn("18 prompts", done.stdout)
        self.assertIn("2 prompts of the file do not fit and are left out", done.stdout)
        self.assertIn("; 2 left out", done.stderr)
        result = self.result("accuracy", "one_bad_of_20.jsonl", "--skip-unfit")
        self.assertEqual(len(self.column(result, "clean")), 18)
        self.assertTrue(any("left out" in note for note in result["notes"]), result["notes"])

    def test_a_prompt_is_named_by_its_number_and_its_line(self):
        done = self.run_raw("activation_patching", "second_has_no_wrong.jsonl", "--metric",
                            "logit_diff")
        self.assertEqual(done.returncode, 65, done.stderr)
        self.assertIn("prompt 1 (line 2) has no wrong answer", done.stderr)

    def test_a_prompt_of_one_token_has_no_next_one(self):
        done = self.run_raw("activation_patching", "one_token.jsonl", "--metric", "next_token_loss")
        self.assertEqual(done.returncode, 65, done.stderr)
        self.assertIn("prompt 0 (line 1) has one token", done.stderr)
        self.run_ok("activation_patching", "one_token.jsonl", "--metric", "logit")

    def test_special_tokens_are_read_when_asked_for(self):
        done = self.run_ok("accuracy", "special_token_in_text.jsonl")
        self.assertIn("\"<|endoftext|>\" is read as plain characters; with --special", done.stderr)
        result = self.result("accuracy", "special_token_in_text.jsonl", "--special")
        self.assertTrue(self.column(result, "clean tokens")[0].startswith("<\\|endoftext\\|>|Sarah|"))

    def test_a_word_is_never_found_inside_a_longer_one(self):
        result = self.result("activation_patching", "word_inside_word.jsonl", "--site",
                             "resid_post", "--axes", "layer,position", "--layers", "0",
                             "--positions", "S1,S2")
        values = [cell[0] for cell in result["values"][0]]  # of layer 0, the one prompt
        clean = result["baselines"]["clean"]
        change = [abs(value - clean[0]) for value in values]
        self.assertLess(change[0], 1e-6)  # S1 is the same in both prompts
        self.assertAlmostEqual(change[1], 1.0164, places=4)
        same = self.result("activation_patching", "word_inside_word.jsonl", "--site", "resid_post",
                           "--axes", "layer,position", "--layers", "0", "--positions", "13")
        self.assertEqual(same["values"][0][0], result["values"][0][1])  # the token of " Tom"

    def test_what_reads_no_corrupted_prompt_needs_none(self):
        result = self.result("causal_tracing", "no_corrupted.jsonl", "--subject", "S2", "--layers", "1")
        self.assertEqual(len(result["baselines"]["corrupted"]), 1)  # the clean prompt with noise
        done = self.run_ok("activation_patching", "no_corrupted.jsonl", "--source", "zero")
        self.assertIn("note: effects are raw", done.stdout)
        self.assertNotIn("corrupted  ", done.stdout)
        self.run_ok("activation_patching", "no_corrupted.jsonl", "--source", "zero", "--out", ".", "--format",
                    "json,csv,npz,svg")
        page = subprocess.run([PATCHBAY, "report", ".", "--out", "page.html"], capture_output=True, text=True,
                              cwd=self.folder, timeout=120, check=False)
        self.assertEqual(page.returncode, 0, page.stderr)
        self.assertIn("The prompts have no corrupted side", (self.folder / "page.html").read_text())
        result = self.result("accuracy", "no_corrupted.jsonl")
        self.assertEqual(result["axes"][0]["labels"], ["clean"])
        self.assertNotIn("corrupted", [column["name"] for column in result["columns"]])
        for args in [("activation_patching",), ("activation_patching", "--source", "mean"),
                     ("activation_patching", "--source", "zero", "--direction", "denoise"), ("path_patching",),
                     ("find_circuit",), ("attention_patterns", "--side", "corrupted"), ("faithfulness", "--circuit", "1.1"),
                     ("direct_logit_attribution", "--side", "corrupted")]:
            done = self.run_raw(args[0], "no_corrupted.jsonl", *args[1:])
            self.assertEqual(done.returncode, 65, (args, done.stderr))
            self.assertIn("prompt 0 (line 1) has no corrupted prompt", done.stderr)
        for args in [("logit_lens",), ("attention_patterns",), ("direct_logit_attribution",),
                     ("faithfulness", "--circuit", "1.1", "--source", "zero")]:
            self.run_ok(args[0], "no_corrupted.jsonl", *args[1:])

    @unittest.skipUnless(os.environ.get("PATCHBAY_SMOLLM2_GGUF"), "PATCHBAY_SMOLLM2_GGUF names no file")
    def test_a_subject_of_several_tokens_is_noised_whole(self):
        model = ("--model", os.environ["PATCHBAY_SMOLLM2_GGUF"], "--bos", "--draws", "5", "--layers", "0")
        whole = self.result("causal_tracing", "subject_of_several_tokens.jsonl", *model)
        one_by_one = self.result("causal_tracing", "subject_token_by_token.jsonl", *model, "--subject",
                                 "s1,s2,s3,s4,s5")
        self.assertEqual(whole["baselines"], one_by_one["baselines"])
        self.assertAlmostEqual(whole["baselines"]["corrupted"][0], 0.022, places=3)
        self.assertIn("subject is 5 tokens, taken together; subject:first and subject:last are its ends",
                      whole["notes"])

    def test_a_position_may_not_be_called_a_number(self):
        done = self.run_raw("activation_patching", "position_named_3.jsonl", "--site",
                            "resid_post", "--axes", "position", "--positions", "3")
        self.assertEqual(done.returncode, 65, done.stderr)
        self.assertIn("names a position \"3\"", done.stderr)

    def test_names_and_numbers_of_positions_may_be_mixed(self):
        result = self.result("activation_patching", "array.json", "--site", "resid_post", "--axes",
                             "position", "--positions", "END,3")
        self.assertEqual(result["axes"][0]["labels"], ["END", "3"])


if __name__ == "__main__":
    PATCHBAY, REPOSITORY = sys.argv[1], pathlib.Path(sys.argv[2])
    unittest.main(argv=sys.argv[:1])
