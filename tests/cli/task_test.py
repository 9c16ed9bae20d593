"""Runs `patchbay task` as a user does: python3 task_test.py PATCHBAY REPOSITORY"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

PATCHBAY = ""
REPOSITORY = pathlib.Path()
TINY = "tests/golden/tiny-gpt2"
TASKS = ["file", "gendered_pronoun", "greater_than", "induction", "ioi", "ioi_lab",
         "ioi_walkthrough"]
VERBS = [["task"], ["task", "list"], ["task", "show"]]
PAIR = {"clean": "Mary and John went. John gave a book to",
        "corrupted": "Mary and John went. Mary gave a book to", "answer": " Mary", "wrong": " John"}


class TaskTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="patchbay-task-"))
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / "tests").symlink_to(REPOSITORY / "tests")
        self.env = {"PATH": f"{pathlib.Path(PATCHBAY).parent}:{os.environ['PATH']}",
                    "HF_HOME": str(self.folder / "huggingface")}

    def run_raw(self, *args):
        return subprocess.run([PATCHBAY, "task", *args], capture_output=True, cwd=self.folder,
                              env=self.env, timeout=120, check=False)

    def run_ok(self, *args):
        done = self.run_raw(*args)
        self.assertEqual(done.returncode, 0, done.stderr.decode(errors="replace"))
        return done.stdout.decode()

    def show(self, *args):
        return json.loads(self.run_ok("show", *args, "--json"))

    def assert_fails(self, code, *args, says):
        done = self.run_raw(*args)
        error = done.stderr.decode()
        self.assertEqual(done.returncode, code, error)
        self.assertFalse(done.stdout)
        self.assertTrue(error.startswith("error: ") and error.count("\n") == 1, error)
        self.assertIn(says, error)

    def bash(self, command):
        done = subprocess.run(["bash", "-c", "set -o pipefail; " + command], capture_output=True,
                              cwd=self.folder, env=self.env, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.decode()

    def write(self, *lines, name="pairs.jsonl"):
        (self.folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
        return "file:" + name


class Pages(TaskTest):
    def test_every_example_runs_as_printed_and_is_in_the_guide(self):
        guide = (REPOSITORY / "docs" / "command_line.md").read_text(encoding="utf-8")
        for verb in VERBS:
            page = self.run_ok(*verb[1:], "--help")
            for example in page.split("examples:\n")[1].splitlines():
                with self.subTest(example):
                    self.assertIn(example.strip(), guide)
                    out = self.bash(example)
                    if "--json" in example:
                        json.loads(out)

    def test_the_commands_of_the_page_about_tasks_run_as_written(self):
        page = (REPOSITORY / "docs" / "tasks.md").read_text(encoding="utf-8")
        for name, content in re.findall(r"^`(\S+\.jsonl)`:\n\n```json\n(.*?)^```$", page,
                                        re.MULTILINE | re.DOTALL):
            (self.folder / name).write_text(content, encoding="utf-8")
        commands = [line for block in re.findall(r"^```sh\n(.*?)^```$", page,
                                                 re.MULTILINE | re.DOTALL)
                    for line in block.splitlines()]
        self.assertGreaterEqual(len(commands), 7)
        for command in commands:
            with self.subTest(command):
                self.bash(command)

    def test_the_page_about_tasks_has_every_task_and_choice(self):
        page = (REPOSITORY / "docs" / "tasks.md").read_text(encoding="utf-8")
        for task in json.loads(self.run_ok("list", "--json"))["tasks"]:
            section = page.split(f"## `{task['written']}`")[1].split("\n## ")[0]
            for kind in ["corruptions", "prompt_types", "positions"]:
                for choice in task[kind]:
                    self.assertIn(f"`{choice['name']}`", section, task["name"])


class List(TaskTest):
    def test_lists_every_task_with_its_defaults(self):
        tasks = json.loads(self.run_ok("list", "--json"))["tasks"]
        self.assertEqual([task["name"] for task in tasks], TASKS)
        found = {task["name"]: task for task in tasks}
        self.assertEqual(found["file"]["written"], "file:PATH")
        self.assertIsNone(found["file"]["prompts"])
        self.assertEqual((found["ioi_lab"]["prompts"], found["ioi_lab"]["seed"]), (50, 42))
        self.assertTrue(found["ioi_lab"]["prepend_bos"])
        self.assertEqual(found["ioi"]["corruptions"][0]["name"], "ABC")
        text = self.run_ok("list")
        for task in tasks:
            self.assertIn(task["written"], text)
            for choice in task["corruptions"] + task["prompt_types"]:
                self.assertIn(choice["name"], text)


class Show(TaskTest):
    def test_shows_what_is_run_as_text(self):
        done = self.run_raw("show", "ioi_lab", "--prompts", "1")
        self.assertEqual(done.stderr.decode(),
                         "ioi_lab: 1 prompt with BOS; seed 42; corruption S2->IO\n")
        text = done.stdout.decode()
        for line in ['prompt 0 (lab, 14 tokens)',
                     'clean      "Tom and Mary went to the store. Tom gave a gift to"',
                     'corrupted  "Tom and Mary went to the store. Mary gave a gift to"',
                     'answer     " Mary"', 'wrong      " Tom"', 'S1         1 "Tom" | 1 "Tom"',
                     'S2         9 " Tom" | 9 " Mary"', 'END        13 " to" | 13 " to"']:
            self.assertIn(line, text)
        self.assertIn('"<|endoftext|>" "Tom" " and" " Mary"', text)

    def test_json_has_the_keys_of_the_guide(self):
        found = self.show("ioi", "--prompts", "4", "--seed", "18446744073709551615", "--bos")
        self.assertEqual(list(found), ["patchbay", "task", "model", "prepend_bos", "seed",
                                       "corruption", "prompt_type", "collisions", "position_names",
                                       "prompts", "warnings"])
        self.assertEqual(found["seed"], 2 ** 64 - 1)
        self.assertEqual((found["model"], found["corruption"]), ("ioi-small", "ABC"))
        self.assertEqual(len(found["prompts"]), 4)
        for prompt in found["prompts"]:
            self.assertEqual(list(prompt), ["clean", "corrupted", "clean_tokens",
                                            "corrupted_tokens", "answers", "wrongs", "group",
                                            "positions", "corrupted_positions"])
            self.assertEqual(len(prompt["clean_tokens"]), len(prompt["corrupted_tokens"]))
            self.assertEqual(list(prompt["positions"]), found["position_names"])
            self.assertEqual(prompt["positions"]["END"], len(prompt["clean_tokens"]) - 1)
            io = prompt["clean_tokens"][prompt["positions"]["IO"]]
            self.assertEqual(prompt["answers"], [io])

    def test_the_default_model_is_the_shipped_one(self):
        args = ["ioi", "--prompts", "2"]
        self.assertEqual(self.show(*args), self.show(*args, "--model", "ioi-small"))

    def test_options_choose_the_prompts(self):
        base = self.show("ioi", "--prompts", "5")
        self.assertEqual(base, self.show("ioi", "--prompts", "5", "--threads", "2"))
        for more in [["--seed", "1"], ["--corruption", "S2->IO"], ["--prompt-type", "BABA"],
                     ["--bos"], ["--collisions", "--seed", "3"]]:
            self.assertNotEqual(base["prompts"],
                                self.show("ioi", "--prompts", "5", *more)["prompts"], more)
        self.assertFalse(self.show("ioi_lab", "--no-bos")["prepend_bos"])

    def test_prompts_that_are_token_ids_have_no_text(self):
        found = self.show("induction", "--model", TINY, "--prompts", "2")
        self.assertIsNone(found["prompts"][0]["clean"])
        self.assertEqual(len(found["warnings"]), 1)
        quiet = self.run_raw("show", "induction", "--model", TINY, "--quiet")
        self.assertEqual(quiet.stderr, b"")
        self.assertIn(b"warning: 16 tokens",
                      self.run_raw("show", "induction", "--model", TINY).stderr)

    def test_reads_pairs_from_a_file(self):
        name = self.write({**PAIR, "positions": {"S2": ["John", 2]}},
                          {"clean": [1, 2], "corrupted": [1, 3], "answer": [4, 5], "wrong": 6})
        found = self.show(name)
        self.assertEqual((found["task"], found["seed"], found["corruption"]), (name, None, None))
        self.assertEqual(found["position_names"], ["S2", "END"])
        first, second = found["prompts"]
        self.assertEqual(first["clean"], PAIR["clean"])
        self.assertEqual((second["clean_tokens"], second["answers"], second["wrongs"]),
                         ([1, 2], [4, 5], [6]))
        self.assertEqual(second["positions"], {"S2": None, "END": 1})

    def test_wrong_calls_are_2(self):
        self.write(PAIR)
        for args, says in [
                (["show"], "no task is given"), (["lst"], 'did you mean "list"?'),
                (["show", "ioi", "--corruptoin", "ABC"], 'did you mean "--corruption"?'),
                (["show", "ioi_la"], 'did you mean "ioi_lab"?'),
                (["show", "ioi", "--corruption", "S2>IO"], 'did you mean "S2->IO"?'),
                (["show", "ioi", "--prompts", "0"], "from 1 to"),
                (["show", "ioi", "--seed", "-1"], "from 0 to 18446744073709551615"),
                (["show", "ioi", "--seed", "18446744073709551616"], "is not a whole number"),
                (["show", "ioi", "--bos", "--no-bos"], "exclude"),
                (["show", "ioi", "--seed", "1", "--seed", "2"], "2 times"),
                (["show", "ioi_lab", "--collisions"], "could collide"),
                (["show", "file:pairs.jsonl", "--prompts", "2"], "has 1 prompts"),
                (["show", "file:pairs.jsonl", "--seed", "2"], "no seed")]:
            with self.subTest(args):
                self.assert_fails(2, *args, says=says)

    def test_bad_pairs_are_65_and_missing_files_66(self):
        name = self.write(PAIR, {**PAIR, "corrupted": "Mary went"})
        self.assert_fails(65, "show", name, says="pairs.jsonl:2): the clean prompt has")
        self.assert_fails(65, "show", "ioi", "--model", TINY, says="0 of 99 names")
        self.assert_fails(66, "show", "file:none.jsonl", says="none.jsonl")
        self.assert_fails(66, "show", "ioi", "--model", "nowhere", says="nowhere")


if __name__ == "__main__":
    PATCHBAY = sys.argv[1]
    REPOSITORY = pathlib.Path(sys.argv[2]).resolve()
    unittest.main(argv=sys.argv[:1])
