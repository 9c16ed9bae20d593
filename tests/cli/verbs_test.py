"""What each verb prints and writes, and how models are named: python3 verbs_test.py PATCHBAY REPOSITORY"""

import json
import math
import pathlib
import shutil
import struct
import subprocess
import sys
import unittest

from cli_testing import RepositoryTest
from model_files import nmse, read_npz, read_safetensors, write_gguf

MODEL = "tests/golden/tiny-gpt2"
PROMPT = "When Mary and John went to the"


class Names(RepositoryTest):
    def setUp(self):
        super().setUp()
        self.models = self.folder / "models"
        for name in ["config.json", "model.safetensors", "tokenizer.json"]:
            (self.models / "tiny").mkdir(parents=True, exist_ok=True)
            shutil.copy(self.repository / MODEL / name, self.models / "tiny" / name)

    def test_every_verb_takes_the_name_of_a_model_that_comes_with_patchbay(self):
        self.env["PATCHBAY_MODELS"] = str(self.models)
        self.assertEqual(self.run_json("model", "info", "tiny")["model"], "tiny")
        self.assertEqual(self.run_json("hooks", "tiny")["model"], "tiny")
        self.assertEqual(self.run_json("tokens", "--model", "tiny", PROMPT),
                         self.run_json("tokens", "--model", MODEL, PROMPT))
        by_name = self.run_json("predict", "--model", "tiny", PROMPT)
        by_path = self.run_json("predict", "--model", MODEL, PROMPT)
        self.assertEqual(by_name, {**by_path, "model": "tiny"})
        found = self.run_json("cache", "--model", "tiny", "x", "--names", "hook_embed",
                              "--out", "x.npz")
        self.assertEqual(found["model"], "tiny")
        self.assertIs(self.run_json("model", "verify", "tiny")["good"], True)
        self.assert_fails(66, "predict", "--model", "tinny", "x", says=['did you mean "tiny"?'])

    def test_an_installed_command_finds_the_models_beside_it(self):
        (self.folder / "prefix" / "bin").mkdir(parents=True)
        (self.folder / "prefix" / "share" / "patchbay").mkdir(parents=True)
        self.models.rename(self.folder / "prefix" / "share" / "patchbay" / "models")
        installed = self.folder / "prefix" / "bin" / "patchbay"
        shutil.copy(self.patchbay, installed)
        listed = json.loads(subprocess.run([installed, "model", "list", "--json"], env=self.env,
                                           capture_output=True, check=True).stdout)
        tiny = next(model for model in listed["shipped"] if model["model"] == "tiny")
        self.assertEqual(tiny["path"], str(self.folder / "prefix/share/patchbay/models/tiny"))
        self.assertEqual(tiny["bytes"], sum(
            path.stat().st_size for path in pathlib.Path(tiny["path"]).iterdir()))

    def test_models_of_the_cache_are_listed_under_the_names_that_model_takes(self):
        commit = "0123456789abcdef0123456789abcdef01234567"
        repository = self.folder / "huggingface" / "hub" / "models--org--tiny"
        (repository / "refs").mkdir(parents=True)
        (repository / "refs" / "main").write_text(commit)
        shutil.copytree(self.models / "tiny", repository / "snapshots" / commit)
        listed = self.run_json("model", "list")["cached"]
        self.assertEqual([(model["model"], model["commit"]) for model in listed],
                         [("org/tiny", commit)])
        self.assertRegex(self.run_ok("model", "list"), r"org/tiny +cache")
        self.assertEqual(self.run_json("hooks", "org/tiny")["model"], "org/tiny")

    def test_a_name_that_is_nowhere_says_how_to_get_it(self):
        self.assert_fails(66, "predict", "--model", "gpt2", "x",
                          says=["openai-community/gpt2", str(self.folder / "huggingface/hub"),
                                "`patchbay model pull gpt2` downloads it"])


class Verbs(RepositoryTest):
    def test_model_info(self):
        found = self.run_json("model", "info", MODEL)
        config = found["config"]
        self.assertEqual((config["n_layers"], config["n_heads"], config["n_ctx"]), (3, 4, 32))
        d, layers = config["d_model"], 3
        self.assertEqual(found["n_params"],
                         (300 + 32) * d + layers * (12 * d * d + 13 * d) + 2 * d)
        self.assertEqual(found["tokenizer"]["bos_token_id"], 299)
        self.assertEqual(found["files"][0]["bytes"],
                         (self.repository / MODEL / "model.safetensors").stat().st_size)
        self.assertEqual(
            {key: config.get(key) for key in ["n_key_value_heads", "normalization_type", "gated_mlp",
                                              "positional_embedding_type", "rotary_base"]},
            {"n_key_value_heads": 4, "normalization_type": "LN", "gated_mlp": False,
             "positional_embedding_type": "standard", "rotary_base": None})
        self.assertIn("gelu_new", self.run_ok("model", "info", "--model", MODEL))

    def test_model_info_of_a_gguf_file(self):
        write_gguf(self.folder / "small.gguf", self.repository / MODEL / "tokenizer.json")
        found = self.run_json("model", "info", "small.gguf")
        config = found["config"]
        self.assertEqual((found["model"], config["original_family"]), ("small", "llama"))
        self.assertEqual(
            {key: config[key] for key in ["n_heads", "n_key_value_heads", "normalization_type", "eps",
                                          "positional_embedding_type", "rotary_base", "gated_mlp"]},
            {"n_heads": 4, "n_key_value_heads": 2, "normalization_type": "RMS", "eps": 0.5,
             "positional_embedding_type": "rotary", "rotary_base": 50000, "gated_mlp": True})
        self.assertEqual(found["tensors"], {"F32": 3, "Q8_0": 8})
        self.assertEqual(found["n_params"],
                         64 * (300 + 3) + 2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 96)
        self.assertEqual(found["files"], [
            {"path": "small.gguf", "bytes": (self.folder / "small.gguf").stat().st_size}])
        tokenizer = found["tokenizer"]
        self.assertEqual((tokenizer["from"], tokenizer["d_vocab"], tokenizer["bos_token_id"]),
                         ("the file's metadata", 300, 299))
        text = self.run_ok("model", "info", "small.gguf")
        for line in [r"key/value heads +2", r"act_fn +silu, gated", r"norm +RMS, eps 0\.5",
                     r"positions +rotary, base 50000", r"tensors +8 of Q8_0",
                     r"tokenizer +byte-level BPE from the file's metadata, 300 tokens"]:
            self.assertRegex(text, line)
        self.assertEqual(self.run_json("tokens", "--model", "small.gguf", PROMPT),
                         self.run_json("tokens", "--model", MODEL, PROMPT))

    def test_hooks(self):
        found = self.run_json("hooks", MODEL, "--pos", "5")
        shapes = {hook["name"]: hook["shape"] for hook in found["hooks"]}
        self.assertEqual(shapes["blocks.2.attn.hook_pattern"], [1, 4, 5, 5])
        self.assertEqual(shapes["ln_final.hook_scale"], [1, 5, 1])
        self.assertEqual(len(shapes), 4 + 3 * 23)
        lines = self.run_ok("hooks", MODEL, "--names", "*hook_q", "--names", "hook_embed")
        self.assertEqual([line.split()[0] for line in lines.splitlines()],
                         ["name", "hook_embed", *[f"blocks.{i}.attn.hook_q" for i in range(3)]])
        self.assertIn("[batch, pos, head_index, d_head]  [1, 32, 4, 8]", lines)

    def test_tokens(self):
        found = self.run_json("tokens", "--model", MODEL, PROMPT)
        self.assertEqual(found["tokens"][0], 299)
        self.assertIs(found["prepend_bos"], True)
        self.assertEqual("".join(found["str_tokens"][1:]), PROMPT)
        self.assertEqual([row["id"] for row in found["positions"]], found["tokens"])
        plain = self.run_json("tokens", "--model", MODEL, "--no-bos", "-", stdin=b"a\n \xc3\xa9")
        self.assertEqual(plain["positions"][-1]["bytes"], [0xA9])
        self.assertEqual(self.run_ok("tokens", "--model", MODEL, "--single", " the").split()[3:],
                         ["0", "262", '"', 'the"'])
        lines = self.run_ok("tokens", "--model", MODEL, "--no-bos", "\té\u202e\"\\").splitlines()
        shown = [line.split(maxsplit=2)[2] for line in lines[1:]]
        self.assertEqual(shown[:3], ['"\\t"', '"\\xc3"', '"\\xa9"'])
        self.assertEqual(shown[-2:], ['"\\""', '"\\\\"'])
        special = ["tokens", "--model", MODEL, "--no-bos", "<|endoftext|>"]
        self.assertEqual(self.run_json(*special, "--special")["tokens"], [299])
        self.assertGreater(len(self.run_json(*special)["tokens"]), 1)

    def test_predict(self):
        found = self.run_json("predict", "--model", MODEL, PROMPT, "--top-k", "300",
                              "--answer", " the", "--answer", " in", "--generate", "4")
        top, answers = found["top"], found["answers"]
        self.assertEqual([row["rank"] for row in top], list(range(1, 301)))
        self.assertEqual(top, sorted(top, key=lambda row: (-row["logit"], row["id"])))
        self.assertAlmostEqual(sum(row["probability"] for row in top), 1.0, places=5)
        for row in top:
            self.assertAlmostEqual(math.exp(row["log_probability"]), row["probability"], places=6)
        self.assertEqual([row["token"] for row in answers], [" the", " in"])
        for row in answers:
            self.assertEqual(row, top[row["rank"] - 1])
        self.assertEqual(found["generated"]["tokens"][0], top[0]["id"])
        self.assertEqual(found["weight_processing"], [])

    def test_predicted_logits_are_those_of_the_reference(self):
        reference = read_safetensors(self.repository / MODEL / "reference.safetensors")
        (prompts, length), tokens = reference["tokens.clean"]
        d_vocab, logits = 300, reference["logits"][1]
        for i in range(prompts):
            ids = tokens[i * length:(i + 1) * length]
            top = self.run_json("predict", "--model", MODEL, "--tokens", ",".join(map(str, ids)),
                                "-k", str(d_vocab))["top"]
            end = (i + 1) * length * d_vocab
            expected = logits[end - d_vocab:end]
            found = {row["id"]: row["logit"] for row in top}
            self.assertLessEqual(nmse([found[id] for id in range(d_vocab)], expected), 1e-11)

    def test_generating_is_predicting_again_and_again(self):
        ids = self.run_json("tokens", "--model", MODEL, "Mary")["tokens"]
        for _ in range(5):
            found = self.run_json("predict", "--model", MODEL, "--tokens",
                                  ",".join(map(str, ids)), "-k", "1")
            ids.append(found["top"][0]["id"])
        found = self.run_json("predict", "--model", MODEL, "Mary", "--generate", "5")
        self.assertEqual(found["generated"]["tokens"], ids[-5:])
        raw = self.run_raw("predict", "--model", MODEL, "Mary", "--generate", "5").stdout
        self.assertTrue(raw.endswith(b"\n"))

    def test_processing_leaves_probabilities_and_is_recorded(self):
        plain = self.run_json("predict", "--model", MODEL, PROMPT)
        done = self.run_json("predict", "--model", MODEL, PROMPT, "--process",
                             "center_unembed,fold_layer_norm")
        self.assertEqual(done["weight_processing"], ["fold_layer_norm", "center_unembed"])
        for a, b in zip(plain["top"], done["top"]):
            self.assertAlmostEqual(a["probability"], b["probability"], places=5)

    def test_threads_change_no_byte(self):
        one = self.run_ok("predict", "--model", MODEL, PROMPT, "--json", "--threads", "1")
        self.assertEqual(one, self.run_ok("predict", "--model", MODEL, PROMPT, "--json",
                                          "--threads", "3"))

    def test_messages_go_to_standard_error_and_quiet_silences_them(self):
        done = self.run_raw("predict", "--model", MODEL, PROMPT)
        self.assertIn(b"with BOS", done.stderr)
        self.assertIn(b'"<|endoftext|>" "W"', done.stdout)
        self.assertIn(b"without BOS",
                      self.run_raw("predict", "--model", MODEL, PROMPT, "--no-bos").stderr)
        self.assertEqual(self.run_raw("predict", "--model", MODEL, PROMPT, "--quiet").stderr, b"")

    def test_doctor(self):
        found = self.run_json("doctor")
        self.assertIs(found["healthy"], True)
        self.assertTrue(all(check["equal"] for check in found["checks"]))
        self.assertIn("matmul", {check["operation"] for check in found["checks"]})
        self.assertIn("bit for bit", self.run_ok("doctor"))


class Cache(RepositoryTest):
    def cache(self, *args, out="x.npz"):
        return self.run_raw("cache", "--model", MODEL, *args, "--out", out)

    def test_arrays_have_the_names_and_shapes_that_hooks_lists(self):
        done = self.cache(PROMPT, "--names", "*", "--logits")
        self.assertEqual((done.returncode, done.stdout), (0, b""))
        arrays = read_npz(self.folder / "x.npz")
        tokens = self.run_json("tokens", "--model", MODEL, PROMPT)["tokens"]
        self.assertEqual(arrays.pop("tokens"), ([1, len(tokens)], tuple(tokens)))
        shape, logits = arrays.pop("logits")
        self.assertEqual(shape, [1, len(tokens), 300])
        hooks = self.run_json("hooks", MODEL, "--pos", str(len(tokens)))["hooks"]
        self.assertEqual({name: shape for name, (shape, _) in arrays.items()},
                         {hook["name"]: hook["shape"] for hook in hooks})
        _, pattern = arrays["blocks.1.attn.hook_pattern"]
        for row in range(0, len(pattern), len(tokens)):
            self.assertAlmostEqual(sum(pattern[row:row + len(tokens)]), 1.0, places=5)
        top = self.run_json("predict", "--model", MODEL, PROMPT, "-k", "1")["top"][0]
        last = [struct.pack("<f", value) for value in logits[-300:]]
        self.assertEqual(last[top["id"]], struct.pack("<f", top["logit"]), "bit for bit")

    def test_values_are_those_of_the_reference(self):
        reference = read_safetensors(self.repository / MODEL / "reference.safetensors")
        (prompts, length), tokens = reference["tokens.clean"]
        hooks = [name[len("hook."):] for name in reference if name.startswith("hook.")]
        self.assertEqual(len(hooks), 4 + 3 * 23)
        for i in range(prompts):
            ids = ",".join(map(str, tokens[i * length:(i + 1) * length]))
            self.assertEqual(self.cache("--tokens", ids, "--names", "*", "--logits").returncode, 0)
            arrays = read_npz(self.folder / "x.npz")
            self.assertEqual(set(arrays), {"tokens", "logits", *hooks})
            for name, expected in [("logits", reference["logits"]),
                                   *[(name, reference["hook." + name]) for name in hooks]]:
                shape, values = arrays[name]
                self.assertEqual(shape, [1, *expected[0][1:]], name)
                here = expected[1][i * len(values):(i + 1) * len(values)]
                self.assertLessEqual(nmse(values, here), 1e-11, name)

    def test_an_existing_file_is_replaced_whole_or_not_at_all(self):
        (self.folder / "x.npz").write_bytes(b"old")
        failed = self.cache("word " * 40, "--names", "hook_embed")
        self.assertEqual(failed.returncode, 2)
        self.assertEqual((self.folder / "x.npz").read_bytes(), b"old")
        self.assertEqual(self.cache("word", "--names", "hook_embed").returncode, 0)
        self.assertIn("hook_embed", read_npz(self.folder / "x.npz"))
        self.assertEqual(self.files(), ["x.npz"])

    def test_a_file_that_cannot_be_made_is_73(self):
        for out in ["nowhere/x.npz", "tests", "/dev/null"]:
            self.assert_fails(73, "cache", "--model", MODEL, "x", "--names", "*", "--out", out,
                              says=[out])
        self.assertEqual(self.files(), [])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=1)
