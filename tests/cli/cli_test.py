"""Help pages, wrong calls, wrong inputs and how the command ends: python3 cli_test.py PATCHBAY REPOSITORY"""

import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
import unittest

from cli_testing import RepositoryTest
from model_files import write_model

MODEL = "tests/golden/tiny-gpt2"
PROMPT = "When Mary and John went to the"
VERBS = [[], ["model"], ["model", "info"], ["model", "list"], ["model", "verify"], ["hooks"],
         ["tokens"], ["predict"], ["cache"], ["doctor"], ["merge"], ["report"], ["compare"], ["help"], ["man"], ["completion"]]
# Their examples need a network: tests/hub/pull_test.py runs them with a hub of its own.
NETWORK_VERBS = [["model", "pull"]]


class Help(RepositoryTest):
    def test_every_example_of_every_help_page_runs_as_printed(self):
        count = 0
        for verb in VERBS:
            page = self.run_ok(*verb, "--help")
            examples = [line[2:] for line in page.split("examples:\n")[1].splitlines()]
            self.assertTrue(examples, page)
            for example in examples:
                with self.subTest(example):
                    self.assertIn("patchbay " + " ".join(verb), example)
                    done = subprocess.run(["bash", "-c", "set -o pipefail; " + example],
                                          capture_output=True, cwd=self.folder, env=self.env,
                                          timeout=120, check=False)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    if "--json" in example:
                        json.loads(done.stdout)
                    count += 1
        self.assertGreaterEqual(count, 22)

    def test_the_guide_has_every_example(self):
        guide = (self.repository / "docs" / "command_line.md").read_text()
        for verb in VERBS + NETWORK_VERBS:
            for line in self.run_ok(*verb, "--help").split("examples:\n")[1].splitlines():
                self.assertIn(line.strip(), guide)

    def test_no_arguments_print_the_help(self):
        self.assertEqual(self.run_ok(), self.run_ok("--help"))

    def test_lines_fit_and_every_option_is_explained(self):
        for verb in VERBS + NETWORK_VERBS:
            page = self.run_ok(*verb, "-h")
            for line in page.splitlines():
                self.assertTrue(len(line) <= 100 or line.startswith(("  patchbay", "  printf")) or line == page.split("\n")[0], line)
            options = page.split("options:\n")[1].split("\n\n")[0].splitlines()
            self.assertGreaterEqual(len(options), 1, page)
            for line in options:
                if line.startswith("     "):  # what goes on stands below its text
                    self.assertEqual(len(line) - len(line.lstrip()), re.match(r"  \S+( \S+)? +", options[0]).end(), line)
                    continue
                # "  -o,--out FILE  the .npz file to write"
                self.assertRegex(line, r"^  (-\w,)?--[a-z-]+( [A-Z]+)?  +\w")

    def test_version(self):
        self.assertRegex(self.run_ok("--version"), r"^patchbay \d+\.\d+\.\d+\n$")

    def test_headings_are_bold_on_a_terminal_unless_no_color(self):
        def on_terminal(**env):
            controller, terminal = pty.openpty()
            with subprocess.Popen([self.patchbay, "--help"], stdout=terminal, cwd=self.folder,
                                  env={**self.env, **env}) as process:
                process.wait()
            os.close(terminal)
            page = b""
            while select.select([controller], [], [], 0)[0]:
                try:
                    page += os.read(controller, 65536)
                except OSError:
                    break
            os.close(controller)
            return page
        self.assertIn(b"\x1b[1m", on_terminal())
        self.assertIn(b"usage:", on_terminal(NO_COLOR="1"))
        self.assertNotIn(b"\x1b", on_terminal(NO_COLOR="1"))
        self.assertNotIn(b"\x1b", on_terminal(TERM="dumb"))
        self.assertNotIn("\x1b", self.run_ok("--help"))


class Usage(RepositoryTest):
    def test_typos_suggest_the_nearest_name(self):
        m = ["--model", MODEL]
        for args, meant in [
                (["pedict", *m, "x"], "predict"), (["modle"], "model"),
                (["model", "inof", MODEL], "info"), (["predict", *m, "x", "--jsno"], "--json"),
                (["predict", *m, "x", "--topk=3"], "--top-k"), (["--versoin"], "--version"),
                (["hooks", MODEL, "--nmaes", "*"], "--names"),
                (["hooks", MODEL, "--names", "blocks.0.attn.hook_patern"],
                 "blocks.0.attn.hook_pattern"),
                (["cache", *m, "x", "--names", "hook_embd", "--out", "x.npz"], "hook_embed"),
                (["predict", *m, "x", "--process", "fold_layernorm"], "fold_layer_norm")]:
            with self.subTest(args):
                self.assert_fails(2, *args, says=[f'did you mean "{meant}"?'])
        self.assertEqual(self.files(), [])

    def test_wrong_calls_say_what_is_wrong(self):
        m = ["--model", MODEL]
        out = ["--names", "*", "--out", "x.npz"]
        for args, says in [
                (["predict", *m], "no prompt is given"), (["predict", "x"], "no model is given"),
                (["predict", *m, "x", "y"], '"y" is one too many'),
                (["predict", *m, "x", "--top-k", "0"], '"0" is not a whole number from 1'),
                (["predict", *m, "x", "--top-k", "many"], '"many" is not a whole number'),
                (["predict", *m, "x", "--top-k"], "--top-k needs a value"),
                (["predict", *m, "x", "--top-k", "1", "--top-k", "2"], "2 times"),
                (["predict", *m, "x", "--threads", "999"], "from 1 to 256"),
                (["predict", *m, "x", "--tokens", "1"], "given twice"),
                (["predict", *m, "--tokens", "1,,2"], '"" is not a whole number'),
                (["predict", *m, "--tokens", "1,300"], "the vocabulary has 0 to 299"),
                (["predict", *m, "--tokens", "1", "--bos"], "as they are"),
                (["predict", *m, "x", "--bos", "--no-bos"], "exclude"),
                (["predict", *m, "x", "--generate", "3", "--answer", "a"], "--json"),
                (["predict", *m, "x", "--generate", "99"], "reads at most 32"),
                (["predict", *m, "--", "-x", "--no-bos"], "one too many"),
                (["predict", *m, "x", "--", "y"], '"y" is one too many'),
                (["predict", *m, "-x y"], "put -- before"),
                (["predict", *m, "--no-bos", ""], "empty"),
                (["predict", *m, "a b c " * 20], "reads at most 32"),
                (["cache", *m, "x", "--out", "x.npz"], "add --names"),
                (["cache", *m, "x", "--names", "*"], "add --out"),
                (["cache", *m, "a b c " * 20, *out], "reads at most 32"),
                (["hooks", MODEL, "--pos", "33"], "beyond the 32 positions"),
                (["hooks"], "no model is given"), (["hooks", MODEL, *m], "twice"),
                (["model"], "a command is missing"),
                (["tokens", *m, "--tokens", "4000"], "no token has the id 4000")]:
            with self.subTest(args):
                self.assert_fails(2, *args, says=[says])
        self.assertEqual(self.files(), [], "nothing is written, not even in part")

    def test_a_prompt_may_be_the_name_of_a_verb_or_begin_with_a_dash(self):
        found = self.run_json("predict", "--model", MODEL, "model")
        self.assertEqual("".join(found["str_tokens"][1:]), "model")
        found = json.loads(self.run_ok("predict", "--json", "-m", MODEL, "--no-bos", "--", "-x"))
        self.assertEqual("".join(found["str_tokens"]), "-x")


class Inputs(RepositoryTest):
    def test_what_is_not_there_is_66(self):
        for args in [["model", "info", "nowhere"], ["hooks", "nowhere"],
                     ["tokens", "--model", "nowhere", "x"], ["predict", "--model", "nowhere", "x"],
                     ["cache", "--model", "nowhere", "x", "--names", "*", "--out", "x.npz"]]:
            with self.subTest(args):
                self.assert_fails(66, *args, says=["nowhere"])
        (self.folder / "empty").mkdir()
        self.assert_fails(66, "predict", "--model", "empty", "x", says=["empty"])

    def test_damaged_files_are_65(self):
        broken = self.folder / "broken"
        shutil.copytree(self.repository / MODEL, broken)
        whole = (broken / "model.safetensors").read_bytes()
        (broken / "model.safetensors").write_bytes(whole[:-4])
        self.assert_fails(65, "predict", "--model", "broken", "x", says=["model.safetensors"])
        self.assert_fails(65, "model", "info", "broken", says=["model.safetensors"])
        (broken / "config.json").write_text('{"model_type": "gtp2"}')
        self.assert_fails(65, "hooks", "broken", says=['did you mean "gpt2"?'])

    def test_a_contradicting_config_is_refused_by_name(self):
        broken = self.folder / "broken"
        shutil.copytree(self.repository / MODEL, broken)
        config = json.loads((broken / "config.json").read_text())
        (broken / "config.json").write_text(json.dumps({**config, "n_layer": 0}))
        self.assert_fails(78, "predict", "--model", "broken", "x", says=["n_layers"])
        self.assert_fails(78, "hooks", "broken", says=["n_layers"])

    def test_text_that_is_not_utf8_is_65(self):
        error = self.assert_fails(65, "predict", "--model", MODEL, b"ab\xffc", says=["byte 2"])
        self.assertIn("UTF-8", error)
        self.assert_fails(65, "tokens", "--model", MODEL, "-", stdin=b"\x80", says=["byte 0"])

    def test_an_answer_of_several_tokens_is_65_and_lists_them(self):
        self.assert_fails(65, "predict", "--model", MODEL, "x", "--answer", " Mary",
                          says=["tokens, not one", '"ar" ('])
        self.assert_fails(65, "tokens", "--model", MODEL, "--single", "Mary", says=["not one"])

    def test_a_model_without_tokenizer_takes_token_ids(self):
        write_model(self.folder / "bare", n_layers=1, d_model=8, n_ctx=8)
        self.assert_fails(66, "predict", "--model", "bare", "x", says=["--tokens"])
        self.assert_fails(66, "tokens", "--model", "bare", "x", says=["--tokens"])
        self.assert_fails(66, "predict", "--model", "bare", "--tokens", "1", "--answer", "x",
                          says=["no tokenizer"])
        found = self.run_json("predict", "--model", "bare", "--tokens", "1,2", "--generate", "3")
        self.assertEqual(found["generated"]["tokens"], [0, 0, 0], "ties go to the lowest id")
        self.assertEqual([row["id"] for row in found["top"]], list(range(10)))
        self.assertEqual(found["str_tokens"], [None, None])
        self.assertEqual(self.run_json("model", "info", "bare")["tokenizer"], None)

    def test_a_config_is_no_index_of_a_checkpoint(self):
        for args in [["model", "info"], ["predict", "--tokens", "1", "--model"]]:
            self.assert_fails(66, *args, MODEL + "/config.json",
                              says=["config.json: is not the index of a checkpoint",
                                    "name the folder or the .safetensors file"])

    def test_the_model_may_be_the_file_itself(self):
        self.assertEqual(
            self.run_ok("predict", "-m", MODEL, PROMPT),
            self.run_ok("predict", "-m", MODEL + "/model.safetensors", PROMPT))
        for name in ["model.safetensors", "config.json", "tokenizer.json"]:
            shutil.copy(self.repository / MODEL / name, self.folder)
        self.assertEqual(self.run_ok("predict", "-m", MODEL, PROMPT),
                         self.run_ok("predict", "-m", "model.safetensors", PROMPT))
        self.assertEqual(self.run_ok("hooks", MODEL), self.run_ok("hooks", "model.safetensors"))
        self.assertEqual(self.run_ok("hooks", MODEL), self.run_ok("hooks", "."))


class Endings(RepositoryTest):
    def test_a_full_disk_is_74(self):
        with open("/dev/full", "wb") as full:
            self.assert_fails(74, "hooks", MODEL, stdout=full, says=["standard output"])

    def test_a_closed_pipe_is_quiet(self):
        reader, writer = os.pipe()
        os.close(reader)
        with os.fdopen(writer, "wb") as closed:
            done = self.run_raw("hooks", MODEL, stdout=closed)
        self.assertEqual((done.returncode, done.stderr), (141, b""))

    def test_a_standard_error_that_cannot_be_written_changes_no_exit_code_and_no_data(self):
        predict = ["predict", "--model", MODEL, "--json", "a"]
        expected = self.run_raw(*predict).stdout
        for redirection in ("2>/dev/full", "2>&-"):
            for args, code in [(["foo"], 2), (["hooks", "nowhere"], 66), (predict, 0)]:
                with self.subTest((redirection, args)):
                    done = subprocess.run(["sh", "-c", f'"$@" {redirection}', "sh", self.patchbay, *args],
                                          stdout=subprocess.PIPE, cwd=self.folder, env=self.env,
                                          timeout=60)
                    self.assertEqual(done.returncode, code)
                    self.assertEqual(done.stdout, expected if code == 0 else b"")

    def test_a_closed_standard_output_or_input_is_74(self):
        for redirection, args in [(">&-", ["hooks", MODEL]), ("<&-", ["tokens", "-m", MODEL, "-"])]:
            with self.subTest(redirection):
                done = subprocess.run(["sh", "-c", f'"$@" {redirection}', "sh", self.patchbay, *args],
                                      capture_output=True, cwd=self.folder, env=self.env, timeout=60)
                self.assertEqual((done.returncode, done.stdout), (74, b""))
                self.assertRegex(done.stderr.decode(), r"^error: \[standard (out|in)put\] .*\n$")

    def wait_for_handler(self, process, number):
        status = pathlib.Path(f"/proc/{process.pid}/status")
        while not int(status.read_text().split("SigCgt:")[1].split()[0], 16) & 1 << number - 1:
            self.assertIsNone(process.poll())
            time.sleep(0.01)

    def test_no_file_takes_the_place_of_a_closed_stream(self):
        waiting = [self.patchbay, "tokens", "--model", MODEL, "-"]
        with subprocess.Popen(["sh", "-c", 'exec "$@" >&- 2>&-', "sh", *waiting],
                              stdin=subprocess.PIPE, cwd=self.folder, env=self.env) as process:
            self.wait_for_handler(process, signal.SIGINT)
            # sh may be what is seen for a moment, with its streams closed.
            links = [pathlib.Path(f"/proc/{process.pid}/fd/{stream}") for stream in (1, 2)]
            while not all(link.is_symlink() for link in links):
                self.assertIsNone(process.poll())
                time.sleep(0.01)
            self.assertEqual([os.readlink(link) for link in links], ["/dev/null"] * 2)
            process.kill()

    def interrupted(self, args, number):
        with subprocess.Popen([self.patchbay, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, cwd=self.folder, env=self.env) as process:
            self.wait_for_handler(process, number)
            time.sleep(0.5)
            self.assertIsNone(process.poll(), "still at work")
            process.send_signal(number)
            process.wait(timeout=60)
            error = process.stderr.read().decode()
            return process.returncode, error

    def test_ctrl_c_ends_a_long_run_with_130_and_sigterm_with_143(self):
        write_model(self.folder / "slow", n_layers=4, d_model=256, n_ctx=1024)
        generate = ["predict", "--model", "slow", "--tokens", "1", "--generate", "1024"]
        for args in [generate, ["tokens", "--model", MODEL, "-"]]:
            for number, code in [(signal.SIGINT, 130), (signal.SIGTERM, 143)]:
                with self.subTest((args, code)):
                    returned, error = self.interrupted(args, number)
                    self.assertEqual(returned, code)
                    self.assertEqual(error, "error: [run] interrupted before it was done\n")
        self.assertEqual(self.files(), ["slow"])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=1)
