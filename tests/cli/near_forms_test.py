"""Errors of the command name the form that was meant, in the words of the command: python3 near_forms_test.py PATCHBAY REPOSITORY"""

import re
import sys
import unittest

from cli_testing import CommandTest

RUN = ["--task", "ioi", "--prompts", "6"]


class NearForms(CommandTest):
    def test_what_is_nearly_right_is_suggested_as_it_is_written(self):
        (self.folder / "pairs.csv").write_text("clean,corrupted,answer,wrong\n")
        for args, meant in [
                (["run", "faithfulness", *RUN, "--circuit", "1,1"], '"1.1"'),
                (["run", "faithfulness", *RUN, "--circuit", "L1H2"], '"1.2"'),
                (["run", "faithfulness", *RUN, "--circuit", "mover: 2.2,2.3 @ END"], '"2.2 2.3"'),
                (["run", "path_patching", *RUN, "--receiver", "2.2"], '"q:2.2", "k:2.2" or "v:2.2"'),
                (["run", "path_patching", *RUN, "--sender", "a2.h1"], '"2.1"'),
                (["run", "activation_patching", *RUN, "--nodes", "2:1"], '"2.1"'),
                (["run", "activation_patching", *RUN, "--site", "hook_z"], '"z"'),
                (["run", "activation_patching", *RUN, "--site", "blocks.1.hook_resid_pre"], '"resid_pre"'),
                (["run", "causal_tracing", *RUN, "--site", "hook_mlp_out"], '"mlp_out"'),
                (["run", "activation_patching", *RUN, "--effect", "fracton"], '"fraction"'),
                (["task", "show", "pairs.csv"], '"file:pairs.csv"'),
                (["task", "show", "folder/pairs"], '"file:folder/pairs"'),
                (["run", "accuracy", "--task", "pairs.csv"], '"file:pairs.csv"')]:
            with self.subTest(args):
                self.assertIn("; did you mean " + meant + "?", self.error(2, *args))
        for words in ("1.1,x", "x", "1-2", "3"):  # no heads are meant
            self.assertNotIn("did you mean", self.error(2, "run", "faithfulness", *RUN, "--circuit", words))

    def test_the_place_of_an_error_is_an_option(self):
        for option, value in (("--metric", "x"), ("--effect", "x"), ("--direction", "x"), ("--source", "x"),
                              ("--aggregate", "x"), ("--site", "x"), ("--sigma", "x"), ("--source-seed", "x")):
            error = self.error(2, "run", "activation_patching", "--quiet", *RUN, option, value)
            self.assertTrue(error.startswith(f"error: [{option}] "), error)
        self.assertIn("is not yes or no", self.error(2, "run", "path_patching", *RUN, "--each-receiver", "both"))
        self.assertIn("leave --layers and --heads out",
                      self.error(2, "run", "attention_patterns", *RUN, "--src-positions", "END", "--nodes", "1.1", "--layers", "1"))

    def test_too_few_prompts_for_a_circuit_are_not_a_threshold(self):
        error = self.error(2, "run", "find_circuit", "--task", "ioi", "--prompts", "1")
        self.assertIn("1 distinct prompt has no interval, and a head joins where it leaves out 0; take 5 prompts or more", error)
        self.assertNotIn("lower threshold", error)
        error = self.error(2, "run", "find_circuit", "--task", "ioi", "--prompts", "8", "--threshold", "100000")
        self.assertIn("try a lower threshold", error)

    def test_no_literal_of_the_commands_errors_is_a_name_of_the_library(self):
        """Of what the command and the experiments say, and tasks, circuits, metrics and patching where a field is named."""
        api = re.compile(r"prepend_bos|parse_special|set_seed\b|freeze_mlps|live_heads|std::|nullptr|\bk[A-Z]\w+")
        found = []
        for folder in ("cli", "patchbay/experiments", "patchbay/tasks", "patchbay/circuits", "patchbay/patching", "patchbay/text"):
            for path in sorted((self.repository / folder).rglob("*.cpp")):
                for line in path.read_text(encoding="utf-8").splitlines():
                    literals = re.findall(r'"((?:[^"\\]|\\.)*)"', line.split("//")[0])
                    found += [f"{path.name}: {text}" for text in literals if " " in text and api.search(text)]
        self.assertEqual(found, [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
