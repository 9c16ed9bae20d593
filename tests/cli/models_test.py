"""Models as people have them: python3 models_test.py PATCHBAY REPOSITORY"""

import json
import shutil
import sys
import unittest

from cli_testing import CommandTest

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 1024\n" % ("0" * 64)
IDS = '{"clean": [5, 6, 7, 8], "corrupted": [5, 9, 7, 8], "answer": 3, "wrong": 4}\n'


class ModelsTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.model = self.folder / "m"
        shutil.copytree(self.repository / "tests/golden/tiny-gpt2", self.model)

    def unsupported_tokenizer(self):
        path = self.model / "tokenizer.json"
        tokenizer = json.loads(path.read_text())
        tokenizer["model"]["type"] = "Unigram"
        path.write_text(json.dumps(tokenizer))

    def test_a_model_whose_tokenizer_cannot_be_read_takes_token_ids(self):
        ids = ["--tokens", "5,6,7"]
        known = json.loads(self.run_ok("predict", "--model", "m", *ids, "--json"))
        experiment = ["--model", "m", "--task", "file:ids.jsonl", "--json"]
        (self.folder / "ids.jsonl").write_text(IDS)
        values = {name: json.loads(self.run_ok("run", name, *experiment))["values"]
                  for name in ("activation_patching", "accuracy", "path_patching")}
        self.unsupported_tokenizer()
        unknown = json.loads(self.run_ok("predict", "--model", "m", *ids, "--json"))
        self.assertEqual([(t["id"], t["logit"]) for t in unknown["top"]], [(t["id"], t["logit"]) for t in known["top"]])
        for name, before in values.items():
            self.assertEqual(json.loads(self.run_ok("run", name, *experiment))["values"], before)
        self.run_ok("run", "head_scores", "--model", "m", "--task", "induction", "--prompts", "2")
        self.run_ok("task", "show", "file:ids.jsonl", "--model", "m")
        self.run_ok("tokens", "--model", "m", *ids)
        self.run_ok("cache", "--model", "m", *ids, "--names", "*resid_post", "--out", "c.npz")
        self.assertIn("cannot be read, so give token ids", self.run_ok("model", "info", "m"))
        self.assertIn("Unigram", json.loads(self.run_ok("model", "info", "m", "--json"))["why_no_tokenizer"])
        (self.folder / "texts.jsonl").write_text('{"clean": "a b", "corrupted": "a c", "answer": " d"}\n')
        for code, command in ((65, ["predict", "--model", "m", "When Mary"]), (65, ["tokens", "--model", "m", "Mary"]),
                              (65, ["predict", "--model", "m", *ids, "--answer", " Mary"]),
                              (None, ["run", "accuracy", "--model", "m", "--task", "file:texts.jsonl"]),
                              (None, ["run", "accuracy", "--model", "m", "--task", "ioi"])):
            done = self.run_raw(*command)
            message = done.stderr.decode()
            self.assertIn(done.returncode, (code,) if code else (2, 65), message)
            self.assertIn("cannot be read, so give token ids", message)
            self.assertIn("Unigram", message)

    def test_a_damaged_tokenizer_is_refused(self):
        (self.model / "tokenizer.json").write_text('{"model": ')
        self.error(65, "predict", "--model", "m", "--tokens", "5,6,7")

    def test_git_lfs_pointers_are_called_so(self):
        case = ["predict", "--model", "m", "Mary"]
        for name in ("model.safetensors", "tokenizer.json", "config.json"):
            whole = (self.model / name).read_bytes()
            (self.model / name).write_text(POINTER)
            message = self.error(65, *case)
            for part in (f"m/{name}", "Git LFS pointer", "git lfs pull"):
                self.assertIn(part, message)
            (self.model / name).write_bytes(whole)
        for name in ("m.gguf", "p.jsonl", "p.csv"):
            (self.folder / name).write_text(POINTER)
        self.assertIn("Git LFS pointer", self.error(65, "model", "info", "m.gguf"))
        for name in ("p.jsonl", "p.csv"):
            self.assertIn("Git LFS pointer", self.error(65, "run", "accuracy", "--task", f"file:{name}"))
        case = self.repository / "tests/golden/lfs_pointer"
        self.assertIn("Git LFS pointer", self.error(65, "model", "info", str(case)))

    def test_an_unsupported_architecture_is_no_fault_of_the_file(self):
        for command in (["model", "info"], ["hooks"]):
            message = self.error(65, *command, str(self.repository / "tests/golden/unknown_family"))
            for part in ('"gpt_neox" ("model_type") is not supported', "gpt2, llama"):
                self.assertIn(part, message)
            self.assertNotIn("correct the file", message)

    def test_a_file_that_is_no_table_of_prompts_is_said_to_be_none(self):
        for name in ("README.md", "studies/ioi_lab.toml"):
            text = (self.repository / name).read_text()
            (self.folder / "it.md").write_text(text.lstrip("["))
            message = self.error(65, "run", "accuracy", "--task", "file:it.md")
            for part in ("is not a file of prompts", "an object a line", ".csv"):
                self.assertIn(part, message)
            self.assertNotIn("not valid JSON", message)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
