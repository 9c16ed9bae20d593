"""Runs `patchbay report`, `compare`, `help`, `man` and `completion`: python3 report_test.py PATCHBAY REPOSITORY"""

import json
import os
import pathlib
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
import unittest
from fcntl import ioctl

from cli_testing import CommandTest


class ReportTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.results = self.repository / "tests/golden/report"

    def files(self, folder="."):
        return sorted(p.name for p in (self.folder / folder).iterdir())

    def in_terminal(self, *args, columns=80, **variables):
        """What the command writes to a terminal of so many columns, and its exit code."""
        master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        env = {**self.env, "TERM": "xterm-256color", **variables}
        process = subprocess.Popen([self.patchbay, *map(str, args)], stdout=slave, stderr=slave, cwd=self.folder, env=env)
        os.close(slave)
        text = b""
        while True:
            try:
                piece = os.read(master, 1 << 16)
            except OSError:
                break
            if not piece:
                break
            text += piece
        os.close(master)
        return text.decode().replace("\r\n", "\n"), process.wait(timeout=300)

    def test_a_page_is_redrawn_from_a_result_file(self):
        self.run_ok("report", str(self.results / "heads.json"))
        first = (self.folder / "report.html").read_bytes()
        self.run_ok("report", str(self.results / "heads.json"), "--out", "again.html")
        self.assertEqual(first, (self.folder / "again.html").read_bytes())
        self.assertIn(b"Content-Security-Policy", first)

    def test_a_study_ends_with_a_page_that_is_redrawn_to_the_byte(self):
        self.run_ok("study", "figure_3b", "--out", "study")
        self.assertIn("report.html", self.files("study"))
        first = (self.folder / "study/report.html").read_bytes()
        self.run_ok("report", "study", "--out", "again.html")
        self.assertEqual(first, (self.folder / "again.html").read_bytes())
        self.assertIn(b"attention_pattern", first)
        self.assertNotIn("study.partial", self.files("study"))

    def test_pictures_are_files_of_every_format(self):
        self.run_ok("report", str(self.results / "heads.json"), "--format", "svg,png,pdf", "--out", "p", "--figure", "heat_map",
                    "--circuit", "mover: 1.1 1.2", "--effect", "percent_of_clean", "--title", "Mine")
        self.assertEqual(self.files("p"), ["heads.heat_map.pdf", "heads.heat_map.png", "heads.heat_map.svg"])
        svg = (self.folder / "p/heads.heat_map.svg").read_text()
        for part in ("mover: 1.1, 1.2", "percent_of_clean = ", ">Mine<"):
            self.assertIn(part, svg)
        self.run_ok("run", "accuracy", "--task", "ioi", "--prompts", "4", "--out", "r", "--format", "json,svg")
        self.assertEqual(self.files("r"), ["accuracy.accuracy_table.svg", "accuracy.json"])

    def test_what_cannot_be_drawn_is_said(self):
        heads = str(self.results / "heads.json")
        self.assertIn('did you mean "heat_map"?', self.error(2, "report", heads, "--format", "svg", "--figure", "heatmap"))
        self.assertIn("these can: heat_map, top_k", self.error(2, "report", heads, "--format", "svg", "--figure", "scatter"))
        self.assertIn("pictures go into a folder", self.error(2, "report", heads, "--format", "svg", "--out", "x.html"))
        self.assertIn("no result is named", self.error(2, "report"))
        self.assertIn("nowhere.json", self.error(66, "report", "nowhere.json"))
        (self.folder / "empty").mkdir()
        self.assertIn("has no result files", self.error(66, "report", "empty"))
        (self.folder / "bad.json").write_text("{}")
        self.assertIn('has no "format"', self.error(65, "report", "bad.json"))
        self.assertIn("has no effect fraction", self.error(2, "report", str(self.results / "accuracy.json"), "--effect", "fraction"))
        self.assertEqual(self.files(), ["bad.json", "empty"])

    def test_two_results_are_compared(self):
        pair = [str(self.results / "heads.json"), str(self.results / "heads_bos.json")]
        text = self.run_ok("compare", *pair, "--effect", "raw")
        self.assertIn("with BOS", text)
        self.assertIn("intervals are those of paired samples", text)
        both = json.loads(self.run_ok("compare", *pair, "--effect", "raw", "--json"))
        first, second = (json.loads(pathlib.Path(p).read_text()) for p in pair)
        for place in both["places"]:
            layer, head = int(place["layer"]), int(place["head"])
            raw = [r["effects"]["raw"]["values"][layer][head] for r in (first, second)]
            self.assertAlmostEqual(place["difference"], raw[1] - raw[0], places=9)
            self.assertLessEqual(place["low"], place["difference"] + 1e-9)
        self.run_ok("compare", *pair, "--out", "c", "--format", "html,svg")
        self.assertEqual([n for n in self.files("c") if "heat_map" in n or n.endswith("html")],
                         ["compare.html", "difference.heat_map.svg", "first.heat_map.svg", "second.heat_map.svg"])
        self.assertIn("pictures go into a folder", self.error(2, "compare", *pair, "--out", "x.html", "--format", "svg"))
        self.assertIn("results of the same kind", self.error(2, "compare", pair[0], str(self.results / "circuit.json")))

    def test_results_are_paired_by_their_prompts(self):
        cases = self.repository / "tests/golden/prompts"
        lines = (cases / "good20.jsonl").read_text().splitlines(keepends=True)
        (self.folder / "turned.jsonl").write_text("".join(reversed(lines)))
        for name, file in (("good", cases / "good20.jsonl"), ("other", cases / "other20.jsonl"),
                           ("turned", "turned.jsonl")):
            self.run_ok("run", "activation_patching", "--task", f"file:{file}", "--out", name)
        good, other, turned = (f"{name}/activation_patching.json" for name in ("good", "other", "turned"))
        text = self.run_ok("compare", good, other, "--effect", "raw")
        self.assertIn("of the means over all prompts of each (1 of 20 prompts is the same)", text)
        self.assertNotIn("paired", text)
        both = json.loads(self.run_ok("compare", good, other, "--effect", "raw", "--json"))
        self.assertEqual((both["paired"], both["same_prompts"]), (False, 1))
        self.assertTrue(any(abs(place["difference"]) > 0.01 for place in both["places"]))
        text = self.run_ok("compare", good, turned, "--effect", "raw")
        self.assertIn("prompt by prompt (20 of 20 prompts are the same)", text)
        both = json.loads(self.run_ok("compare", good, turned, "--effect", "raw", "--json"))
        self.assertTrue(all(place["difference"] == 0 for place in both["places"]))

    def test_other_questions_are_compared_only_when_asked(self):
        for name, options in (("a", []), ("b", ["--direction", "denoise"]), ("c", ["--metric", "prob"]),
                              ("d", ["--source", "zero"]), ("e", ["--corruption", "S2->IO"])):
            self.run_ok("run", "activation_patching", "--task", "ioi", "--prompts", "6", *options, "--out", name)
        first = "a/activation_patching.json"
        for name, says in (("b", "the direction (noise and denoise)"), ("c", "the metric (logit_diff and prob)"),
                           ("d", "the source (other and zero)"), ("e", "the corruption of the same clean prompts (“")):
            with self.subTest(says):
                second = f"{name}/activation_patching.json"
                refused = self.error(2, "compare", first, second, "--effect", "raw")
                self.assertIn(says, refused)
                self.assertIn("add --anyway", refused)
                self.assertIn(says, self.run_ok("compare", first, second, "--effect", "raw", "--anyway"))

    def test_places_without_values_have_no_correlation(self):
        one = ["--layers", "0,1", "--heads", "0"]
        self.run_ok("run", "activation_patching", "--task", "ioi", "--prompts", "6", *one, "--out", "r")
        file = "r/activation_patching.json"
        text = self.run_ok("compare", file, file)
        self.assertIn("no correlation over 2 places: too few", text)
        self.assertNotIn("nan", text)

    def test_heat_maps_are_drawn_as_the_terminal_can(self):
        command = ["report", self.results / "heads.json", "--format", "text"]
        self.assertIn("\x1b[38;2;", self.in_terminal(*command, COLORTERM="truecolor")[0])
        self.assertIn("\x1b[38;5;", self.in_terminal(*command)[0])
        self.assertRegex(self.in_terminal(*command, TERM="xterm")[0], "\x1b\\[[0-9]{2};[0-9]{2,3}m▀")
        for plain in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            text = self.in_terminal(*command, **plain)[0]
            self.assertNotIn("\x1b", text)
            self.assertRegex(text, r"9 is [0-9.]+, \. is less than")
        piped = self.run_ok(*map(str, command))
        self.assertNotIn("\x1b", piped)
        self.assertRegex(piped, r"layer \\ head +0 +1")
        self.assertIn("\x1b[38;2;", self.run_ok(*map(str, command), "--color", "truecolor"))
        self.assertIn("truecolor, not", self.error(2, *map(str, command), "--color", "red"))
        for columns in (60, 80):
            text = self.in_terminal("report", self.results / "stream.json", "--format", "text", columns=columns, COLORTERM="truecolor")[0]
            rows = [re.sub("\x1b\\[[0-9;]*m", "", line) for line in text.split("\n") if "▀" in line]
            self.assertLessEqual(max(map(len, rows)), columns)
            table = text.split("largest")[1].split("\n\n")[0]
            lines = [re.sub("\x1b\\[[0-9;]*m", "", line) for line in table.split("\n")[1:11]]
            self.assertEqual(len(lines), 10)
            self.assertLessEqual(max(map(len, lines)), columns)

    def test_topics_and_commands_are_explained(self):
        topics = self.run_ok("help")
        for name in ("tasks", "experiments", "metrics", "effects", "figures", "positions", "circuits", "colours", "environment", "exit-codes"):
            self.assertIn(name, topics)
            self.assertGreater(len(self.run_ok("help", name).splitlines()), 3, name)
        self.assertEqual(self.run_ok("help", "task", "show"), self.run_ok("task", "show", "--help"))
        self.assertIn('did you mean "effects"?', self.error(2, "help", "efects"))
        self.assertIn("heat_map", self.run_ok("help", "figures"))

    def test_manual_pages_and_completions_know_every_option(self):
        self.run_ok("man", "--out", "man1")
        pages = self.files("man1")
        self.assertIn("patchbay-model-info.1", pages)
        listed = re.findall(r"^  ([a-z]+)  ", self.run_ok("--help").split("commands:")[1].split("options:")[0], re.MULTILINE)
        self.assertEqual({f"patchbay-{name}.1" for name in listed} - set(pages), set())
        options = set(re.findall(r"--[a-z-]+", self.run_ok("run", "activation_patching", "--help").split("settings:")[1].split("examples:")[0]))
        page = (self.folder / "man1/patchbay-run-activation_patching.1").read_text().replace("\\-", "-")
        bash = self.run_ok("completion", "bash")
        fish = self.run_ok("completion", "fish")
        for option in options:
            self.assertIn(option, page)
            self.assertIn(option, bash)
            self.assertTrue(option == "--help" or f"-l {option[2:]} " in fish, option)
        (self.folder / "patchbay.bash").write_text(bash)
        done = subprocess.run(["bash", "-c", "source ./patchbay.bash; COMP_WORDS=(patchbay run activation_patching --metr); "
                               "COMP_CWORD=3; _patchbay; echo ${COMPREPLY[@]}"], cwd=self.folder, capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout.split(), ["--metric"])
        done = subprocess.run(["bash", "-c", "source ./patchbay.bash; COMP_WORDS=(patchbay model i); COMP_CWORD=2; _patchbay; "
                               "echo ${COMPREPLY[@]}"], cwd=self.folder, capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout.split(), ["info"])
        self.assertIn("bashcompinit", self.run_ok("completion", "zsh"))
        self.assertIn("bash, zsh and fish", self.error(2, "completion", "tcsh"))

    def test_a_timeout_stops_in_good_order_and_the_run_goes_on_from_there(self):
        command = ["run", "activation_patching", "--task", "ioi", "--prompts", "60", "--site", "mlp_post", "--axes", "layer,neuron",
                   "--neurons", "0-39", "--threads", "1"]
        message = self.error(124, *command, "--out", "r", "--timeout", "0.5")
        self.assertIn("stopped by --timeout", message)
        self.assertEqual(self.files("r"), ["activation_patching.partial"])
        self.run_ok(*command, "--out", "r")
        self.run_ok(*command, "--out", "whole")
        self.assertEqual(self.files("r"), ["activation_patching.json"])
        self.assertEqual(*((self.folder / f / "activation_patching.json").read_bytes() for f in ("r", "whole")))
        self.assertIn("is not a duration", self.error(2, "doctor", "--timeout", "soon"))

    def test_progress_is_lines_into_a_file_and_a_bar_on_a_terminal(self):
        command = ["run", "activation_patching", "--task", "ioi", "--prompts", "200", "--site", "mlp_post", "--axes", "layer,neuron",
                   "--neurons", "0-79", "--threads", "1", "--top", "1", "--timeout", "6", "--max-memory", "8M"]
        done = self.run_raw(*command)
        lines = [line for line in done.stderr.decode().splitlines() if " done, " in line]
        self.assertGreaterEqual(len(lines), 1)
        self.assertRegex(lines[0], r"^\d+ of \d+ done, [0-9.e+]+ a second, .* left$")
        self.assertNotIn(" done, ", self.run_raw(*command, "--quiet").stderr.decode())
        self.assertRegex(self.in_terminal(*command)[0], "\r█*░+ [0-9]+ of [0-9]+ done, .* left")

    def test_ctrl_c_answers_at_once(self):
        command = [self.patchbay, "run", "activation_patching", "--task", "ioi", "--prompts", "200", "--site", "mlp_post",
                   "--axes", "layer,neuron", "--neurons", "0-79", "--out", "r"]
        for wait in (0.3, 0.8, 1.3):
            process = subprocess.Popen(command, cwd=self.folder, env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            time.sleep(wait)
            process.send_signal(signal.SIGINT)
            _, message = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 130)
            self.assertIn(b"interrupted", message)
        self.assertEqual(self.files("r"), ["activation_patching.partial"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
