"""Pages of experiments, as `patchbay run EXPERIMENT --help` and `patchbay help EXPERIMENT` print them:
python3 help_test.py PATCHBAY REPOSITORY"""

import json
import re
import shlex
import subprocess
import sys
import unittest

from cli_testing import CommandTest


def entries(page, section):
    """{"--site": "LIST"} of one section of a page."""
    lines = page.split(section + ":\n")[1].split("\n\n")[0]
    found = re.findall(r"^  (?:-\w,)?(--[a-z-]+)(?: (\S+))?(?:  |$)", lines, re.MULTILINE)
    return dict(found)


class Help(CommandTest):
    def setUp(self):
        super().setUp()
        page = self.run_ok("run", "--help").split("experiments:\n")[1].split("\n\n")[0]
        self.experiments = re.findall(r"^  (\w+)  +\w", page, re.MULTILINE)
        self.assertGreaterEqual(len(self.experiments), 14)

    def test_every_experiments_page_names_its_settings_alone_and_its_example_runs(self):
        pages = {name: self.run_ok("run", name, "--help") for name in self.experiments}
        for name, page in pages.items():
            with self.subTest(name):
                self.assertEqual(page, self.run_ok("help", name))
                example = page.split("examples:\n")[1].splitlines()
                self.assertEqual(len(example), 1)
                self.assertTrue(example[0].startswith(f"  patchbay run {name} --task ioi"), example)
                words = shlex.split(example[0])[1:]
                result = json.loads(self.run_ok(*words, "--json"))
                self.assertEqual(result["experiment"], name)
                self.assertEqual(set(entries(page, "settings")),
                                 {"--" + option for option in result["options"]})
                for line in page.split("usage:")[1].split("examples:")[0].splitlines():
                    self.assertLessEqual(len(line), 100, line)

    def test_a_page_says_defaults_and_what_kind_of_value_a_setting_takes(self):
        tracing = self.run_ok("run", "causal_tracing", "--help")
        self.assertEqual(entries(tracing, "settings")["--noise"], "X")
        self.assertEqual(entries(tracing, "settings")["--draws"], "N")
        self.assertEqual(entries(tracing, "settings")["--metric"], "NAME")
        self.assertRegex(tracing, r"what is restored: resid_post, attn_out or mlp_out \(resid_post\)")
        self.assertIn("what is patched", self.run_ok("run", "activation_patching", "--help"))
        self.assertNotIn("what is patched:", tracing)
        self.assertEqual(entries(self.run_ok("run", "faithfulness", "--help"), "settings")["--circuit"], "CIRCUIT")

    def test_the_page_of_run_is_short_and_says_where_to_go_on(self):
        page = self.run_ok("run", "--help")
        self.assertLess(len(page.splitlines()), 40)
        self.assertIn("patchbay run EXPERIMENT --help", page)
        self.assertEqual(set(entries(page, "options")), {"--help"})
        self.assertIn("causal_tracing", self.run_ok("help", "experiments"))

    def test_an_option_of_another_experiment_is_said_to_be_so(self):
        error = self.error(2, "run", "causal_tracing", "--task", "ioi", "--threshold", "3")
        self.assertIn("causal_tracing has no option --threshold, which is one of find_circuit; causal_tracing has "
                      "--site, --subject, --positions", error)
        error = self.error(2, "run", "accuracy", "--task", "ioi", "--circuit", "paper")
        self.assertIn("which is one of completeness, faithfulness and minimality; accuracy has --metrics", error)
        self.assertIn('did you mean "--metrics"?', self.error(2, "run", "accuracy", "--task", "ioi", "--metrcs", "rank"))

    def test_shared_options_may_stand_before_the_experiment_and_settings_not(self):
        after = self.run_ok("run", "accuracy", "--task", "ioi", "--prompts", "2", "--json")
        self.assertEqual(self.run_ok("run", "--task", "ioi", "--prompts", "2", "--json", "accuracy"), after)
        self.assertIn("--seed is given 2 times",
                      self.error(2, "run", "--seed", "1", "accuracy", "--task", "ioi", "--seed", "1"))
        self.assertIn("--metrics stands before accuracy; write it after",
                      self.error(2, "run", "--metrics", "rank", "accuracy", "--task", "ioi"))

    def test_words_that_are_no_experiment_suggest_one(self):
        self.assertIn("no experiment is named", self.error(2, "run"))
        self.assertIn("no experiment is named", self.error(2, "run", "--task", "ioi"))
        self.assertIn('there is no experiment "logitlens"; did you mean "logit_lens"?', self.error(2, "run", "logitlens"))
        self.assertIn('did you mean "find_circuit"?', self.error(2, "help", "find_circiut"))

    def test_man_and_completion_follow(self):
        self.run_ok("man", "--out", "man1")
        bash, fish = self.run_ok("completion", "bash"), self.run_ok("completion", "fish")
        (self.folder / "patchbay.bash").write_text(bash)
        for name in self.experiments:
            page = (self.folder / f"man1/patchbay-run-{name}.1").read_text().replace("\\-", "-")
            self.assertIn(f"-a {name} ", fish)
            self.assertIn(f"patchbay-run-{name}", (self.folder / "man1/patchbay-run.1").read_text().replace("\\-", "-"))
            settings = entries(self.run_ok("run", name, "--help"), "settings")
            for option in settings:
                self.assertIn(option, page)
            done = subprocess.run(["bash", "-c", f"source ./patchbay.bash; COMP_WORDS=(patchbay run {name} --); COMP_CWORD=3; "
                                   "_patchbay; echo ${COMPREPLY[@]}"], cwd=self.folder, capture_output=True, text=True, check=True)
            offered = done.stdout.split()
            self.assertEqual(set(settings) - set(offered), set())
            self.assertEqual("--threshold" in offered, "--threshold" in settings)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
