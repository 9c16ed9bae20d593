"""Runs the patchbay command as a user does: python3 cli_test.py PATCHBAY REPOSITORY

Every test works in a folder of its own that holds tests/ as the repository does, so that the
examples of the help pages run as they are printed and leave nothing behind.
"""

import ast
import json
import math
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import zipfile

PATCHBAY = ""
REPOSITORY = pathlib.Path()
MODEL = "tests/golden/tiny-gpt2"
PROMPT = "When Mary and John went to the"
VERBS = [[], ["model"], ["model", "info"], ["model", "list"], ["model", "verify"], ["hooks"],
         ["tokens"], ["predict"], ["cache"], ["doctor"], ["merge"], ["report"], ["compare"], ["help"], ["man"], ["completion"]]
# Their examples need a network: tests/hub/pull_test.py runs them with a hub of its own.
NETWORK_VERBS = [["model", "pull"]]


def read_npz(path):
    """{name: (shape, values)} of an archive of little-endian floats and 64-bit integers."""
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        for entry in archive.namelist():
            data = archive.read(entry)
            assert data[:8] == b"\x93NUMPY\x01\x00" and entry.endswith(".npy")
            end = 10 + struct.unpack("<H", data[8:10])[0]
            header = ast.literal_eval(data[10:end].decode())
            assert header["fortran_order"] is False and end % 64 == 0
            kind = {"<f4": "f", "<i8": "q"}[header["descr"]]
            count = math.prod(header["shape"])
            values = struct.unpack(f"<{count}{kind}", data[end:])
            arrays[entry[:-4]] = (list(header["shape"]), values)
    return arrays


def read_safetensors(path):
    """{name: (shape, values)} of a safetensors file of F32, F64 and I64."""
    data = path.read_bytes()
    begin = 8 + struct.unpack("<Q", data[:8])[0]
    arrays = {}
    for name, info in json.loads(data[8:begin]).items():
        if name == "__metadata__":
            continue
        kind = {"F32": "f", "F64": "d", "I64": "q"}[info["dtype"]]
        values = struct.unpack_from(f"<{math.prod(info['shape'])}{kind}", data,
                                    begin + info["data_offsets"][0])
        arrays[name] = (info["shape"], values)
    return arrays


def nmse(values, expected):
    """Normalised mean square error; what is infinite must be the same on both sides."""
    assert len(values) == len(expected) > 0
    assert all(a == b for a, b in zip(values, expected) if math.isinf(a) or math.isinf(b))
    pairs = [(a, b) for a, b in zip(values, expected) if not math.isinf(b)]
    error, power = sum((a - b) ** 2 for a, b in pairs), sum(b * b for _, b in pairs)
    return error / power if power else error


def write_gguf(path):
    """A llama model of one layer whose weights are all zero, in llama.cpp's format: matrices are in
    blocks of Q8_0, and the tokenizer is the tiny model's."""
    def text(value):
        return struct.pack("<Q", len(value.encode())) + value.encode()

    def array(kind, values):
        return struct.pack("<IQ", kind, len(values)) + b"".join(values)

    uint32, int32, float32, string, listed = 4, 5, 6, 8, 9
    tokenizer = json.loads((REPOSITORY / MODEL / "tokenizer.json").read_text())
    special = {token["id"]: token["content"] for token in tokenizer["added_tokens"]}
    tokens = {**{i: token for token, i in tokenizer["model"]["vocab"].items()}, **special}
    merges = [merge if isinstance(merge, str) else " ".join(merge)
              for merge in tokenizer["model"]["merges"]]
    numbers = {"block_count": 1, "context_length": 16, "embedding_length": 64,
               "feed_forward_length": 96, "attention.head_count": 4, "attention.head_count_kv": 2}
    entries = {"general.architecture": (string, text("llama")),
               **{f"llama.{key}": (uint32, struct.pack("<I", n)) for key, n in numbers.items()},
               "llama.attention.layer_norm_rms_epsilon": (float32, struct.pack("<f", 0.5)),
               "llama.rope.freq_base": (float32, struct.pack("<f", 50000)),
               "tokenizer.ggml.model": (string, text("gpt2")),
               "tokenizer.ggml.pre": (string, text("gpt-2")),
               "tokenizer.ggml.tokens": (listed, array(string, [
                   text(tokens[i]) for i in range(len(tokens))])),
               "tokenizer.ggml.token_type": (listed, array(int32, [
                   struct.pack("<i", 3 if i in special else 1) for i in range(len(tokens))])),
               "tokenizer.ggml.merges": (listed, array(string, [text(merge) for merge in merges])),
               "tokenizer.ggml.bos_token_id": (uint32, struct.pack("<I", 299))}
    shapes = {"token_embd": [64, len(tokens)], "output_norm": [64], "blk.0.attn_norm": [64],
              "blk.0.attn_q": [64, 64], "blk.0.attn_k": [64, 32], "blk.0.attn_v": [64, 32],
              "blk.0.attn_output": [64, 64], "blk.0.ffn_norm": [64], "blk.0.ffn_gate": [64, 96],
              "blk.0.ffn_up": [64, 96], "blk.0.ffn_down": [96, 64]}
    head = b"GGUF" + struct.pack("<IQQ", 3, len(shapes), len(entries))
    for key, (kind, value) in entries.items():
        head += text(key) + struct.pack("<I", kind) + value
    offset = 0
    for name, shape in shapes.items():
        kind = 0 if len(shape) == 1 else 8  # F32, Q8_0
        head += text(name + ".weight") + struct.pack("<I", len(shape))
        head += struct.pack(f"<{len(shape)}QIQ", *shape, kind, offset)
        size = 4 * shape[0] if kind == 0 else math.prod(shape) // 32 * 34
        offset += -(-size // 32) * 32
    path.write_bytes(head + bytes(-len(head) % 32) + bytes(offset))


def write_model(folder, n_layers, d_model, n_ctx):
    """A gpt2 checkpoint of 16 tokens whose weights are all zero, without a tokenizer."""
    shapes = {"wte.weight": [16, d_model], "wpe.weight": [n_ctx, d_model]}
    parts = {"ln_1": [d_model], "attn.c_attn": [d_model, 3 * d_model],
             "attn.c_proj": [d_model, d_model], "ln_2": [d_model],
             "mlp.c_fc": [d_model, 4 * d_model], "mlp.c_proj": [4 * d_model, d_model]}
    names = {f"h.{i}.{part}": shape for i in range(n_layers) for part, shape in parts.items()}
    for name, shape in {**names, "ln_f": [d_model]}.items():
        shapes[name + ".weight"], shapes[name + ".bias"] = shape, shape[-1:]
    header, offset = {}, 0
    for name, shape in shapes.items():
        end = offset + 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(
        struct.pack("<Q", len(text)) + text + bytes(offset))
    (folder / "config.json").write_text(json.dumps({
        "model_type": "gpt2", "n_layer": n_layers, "n_head": 4, "n_embd": d_model,
        "n_positions": n_ctx, "vocab_size": 16}))


class CliTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="patchbay-cli-"))
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / "tests").symlink_to(REPOSITORY / "tests")
        self.env = {"PATH": f"{pathlib.Path(PATCHBAY).parent}:{os.environ['PATH']}",
                    "TERM": "xterm", "HF_HOME": str(self.folder / "huggingface")}
        if "LSAN_OPTIONS" in os.environ:  # what is no leak of ours, under sanitizers
            self.env["LSAN_OPTIONS"] = os.environ["LSAN_OPTIONS"]

    def run_raw(self, *args, stdin=b"", **options):
        options.setdefault("stdout", subprocess.PIPE)
        return subprocess.run([PATCHBAY, *args], input=stdin, stderr=subprocess.PIPE,
                              cwd=self.folder, env=self.env, timeout=120, check=False, **options)

    def run_ok(self, *args, stdin=b""):
        done = self.run_raw(*args, stdin=stdin)
        self.assertEqual(done.returncode, 0, done.stderr.decode(errors="replace"))
        return done.stdout.decode()

    def run_json(self, *args, stdin=b""):
        return json.loads(self.run_ok(*args, "--json", stdin=stdin))

    def assert_fails(self, code, *args, says=(), stdin=b"", **options):
        """One line on standard error, nothing on standard output, that exit code."""
        done = self.run_raw(*args, stdin=stdin, **options)
        error = done.stderr.decode(errors="replace")
        self.assertEqual(done.returncode, code, error)
        self.assertFalse(done.stdout, "errors leave standard output alone")
        self.assertTrue(error.startswith("error: ") and error.count("\n") == 1, error)
        for text in says:
            self.assertIn(text, error)
        return error

    def files(self):
        return sorted(entry.name for entry in self.folder.iterdir() if entry.name != "tests")


class Help(CliTest):
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
        guide = (REPOSITORY / "docs" / "command_line.md").read_text()
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
            with subprocess.Popen([PATCHBAY, "--help"], stdout=terminal, cwd=self.folder,
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


class Usage(CliTest):
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


class Inputs(CliTest):
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
        shutil.copytree(REPOSITORY / MODEL, broken)
        whole = (broken / "model.safetensors").read_bytes()
        (broken / "model.safetensors").write_bytes(whole[:-4])
        self.assert_fails(65, "predict", "--model", "broken", "x", says=["model.safetensors"])
        self.assert_fails(65, "model", "info", "broken", says=["model.safetensors"])
        (broken / "config.json").write_text('{"model_type": "gtp2"}')
        self.assert_fails(65, "hooks", "broken", says=['did you mean "gpt2"?'])

    def test_a_contradicting_config_is_refused_by_name(self):
        broken = self.folder / "broken"
        shutil.copytree(REPOSITORY / MODEL, broken)
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
            shutil.copy(REPOSITORY / MODEL / name, self.folder)
        self.assertEqual(self.run_ok("predict", "-m", MODEL, PROMPT),
                         self.run_ok("predict", "-m", "model.safetensors", PROMPT))
        self.assertEqual(self.run_ok("hooks", MODEL), self.run_ok("hooks", "model.safetensors"))
        self.assertEqual(self.run_ok("hooks", MODEL), self.run_ok("hooks", "."))


class Names(CliTest):
    def setUp(self):
        super().setUp()
        self.models = self.folder / "models"
        for name in ["config.json", "model.safetensors", "tokenizer.json"]:
            (self.models / "tiny").mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / MODEL / name, self.models / "tiny" / name)

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
        shutil.copy(PATCHBAY, installed)
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


class Verbs(CliTest):
    def test_model_info(self):
        found = self.run_json("model", "info", MODEL)
        config = found["config"]
        self.assertEqual((config["n_layers"], config["n_heads"], config["n_ctx"]), (3, 4, 32))
        d, layers = config["d_model"], 3
        self.assertEqual(found["n_params"],
                         (300 + 32) * d + layers * (12 * d * d + 13 * d) + 2 * d)
        self.assertEqual(found["tokenizer"]["bos_token_id"], 299)
        self.assertEqual(found["files"][0]["bytes"],
                         (REPOSITORY / MODEL / "model.safetensors").stat().st_size)
        self.assertEqual(
            {key: config.get(key) for key in ["n_key_value_heads", "normalization_type", "gated_mlp",
                                              "positional_embedding_type", "rotary_base"]},
            {"n_key_value_heads": 4, "normalization_type": "LN", "gated_mlp": False,
             "positional_embedding_type": "standard", "rotary_base": None})
        self.assertIn("gelu_new", self.run_ok("model", "info", "--model", MODEL))

    def test_model_info_of_a_gguf_file(self):
        write_gguf(self.folder / "small.gguf")
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
        reference = read_safetensors(REPOSITORY / MODEL / "reference.safetensors")
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


class Cache(CliTest):
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
        reference = read_safetensors(REPOSITORY / MODEL / "reference.safetensors")
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


class Endings(CliTest):
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
                    done = subprocess.run(["sh", "-c", f'"$@" {redirection}', "sh", PATCHBAY, *args],
                                          stdout=subprocess.PIPE, cwd=self.folder, env=self.env,
                                          timeout=60)
                    self.assertEqual(done.returncode, code)
                    self.assertEqual(done.stdout, expected if code == 0 else b"")

    def test_a_closed_standard_output_or_input_is_74(self):
        for redirection, args in [(">&-", ["hooks", MODEL]), ("<&-", ["tokens", "-m", MODEL, "-"])]:
            with self.subTest(redirection):
                done = subprocess.run(["sh", "-c", f'"$@" {redirection}', "sh", PATCHBAY, *args],
                                      capture_output=True, cwd=self.folder, env=self.env, timeout=60)
                self.assertEqual((done.returncode, done.stdout), (74, b""))
                self.assertRegex(done.stderr.decode(), r"^error: \[standard (out|in)put\] .*\n$")

    def wait_for_handler(self, process, number):
        status = pathlib.Path(f"/proc/{process.pid}/status")
        while not int(status.read_text().split("SigCgt:")[1].split()[0], 16) & 1 << number - 1:
            self.assertIsNone(process.poll())
            time.sleep(0.01)

    def test_no_file_takes_the_place_of_a_closed_stream(self):
        waiting = [PATCHBAY, "tokens", "--model", MODEL, "-"]
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
        with subprocess.Popen([PATCHBAY, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
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
    PATCHBAY = str(pathlib.Path(sys.argv[1]).resolve())
    REPOSITORY = pathlib.Path(sys.argv[2]).resolve()
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=1)
