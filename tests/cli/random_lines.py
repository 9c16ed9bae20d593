"""Well-formed random command lines: verbs, experiments and options are read from the command's own pages, values are drawn
from what the pages name and from pools of what people and programs write, some of it absurd.
"""

import json
import random
import re
import subprocess

TINY = "tests/golden/tiny-gpt2"
MODELS = [TINY] * 12 + ["tests/golden/tiny-llama", "tests/golden/tiny-llama/model.safetensors", "ioi-small", "", ".", "nowhere",
                        "prompts", "pairs.jsonl", "/dev/null", "a/b/c", "tests/golden/tiny-gptj", "model\n"]
NETWORK = ("model pull",)  # tests/hub has a hub of its own for it

WHOLE = ["0", "1", "2", "3", "7", "-1", "-2", "00", "+1", "1e3", "1.0", "0x1", "31", "32", "33", "300", "1000", "65536", "1000000",
         "1000001", "2147483647", "2147483648", "-2147483649", "4294967296", "9223372036854775807", "9223372036854775808",
         "18446744073709551615", "18446744073709551616", "99999999999999999999999", "", " ", " 1", "1 ", "x", "nan", "½", "1,2"]
NUMBERS = ["0", "1", "0.1", "5", "100", "-1", "-0", "-0.0", "1e-320", "1e308", "1e309", "-1e308", "inf", "-inf", "nan", ".5", "5.",
           "1e-45", "3.4e38", "3.5e38", "0x1p3", "", " ", "x", "1,5", "1e999999"]
TEXTS = ["", " ", "a", " the", "When Mary and John went to the", "Mary", "<|endoftext|>", "naïve café 日本語 🙂", "\u202eabc", "e\u0301",
         "\ufeff", "-x", "--", "-", "=", ",", ",,", "@", "@@", "a@b", ";", ">", "+", "*", "'", '"', "\\", "`site`", "{}", "{0}", "%s", "%n",
         "../..", "/", "a" * 5000, "word " * 400, "\n", "\t", "\x1b[31m", b"\xff", b"a\xc3", b"\xed\xa0\x80"]
PLACES = ["0", "1", "-1", "0,1", "0-1", "1-0", "-2--1", "0-", "-", "middle", "all", "every", "END", "S1", "S2", "IO", "S1+1", "S2,END", "END,3",
          "0,0", "4-2", "0-99999999999", "99", "a", "1.1", "0.0", "0.0,1.1", "0.0+0.1,1.2", "0.0+0.0", "1.1 @ END", "9.9", "-1.0", "1.-1", "heads",
          "mlps", "attn_outs", "nodes", "embed", "mlp0", "mlp1", "mlp9", "attn_out:0", "neuron:0.0", "neuron:1.3", "neuron:0.99999", "resid_pre:1",
          "logits", "q:1.1", "k:1.0;v:1.1", "pattern:1.*", "q:all", "mlp_in:1", "v:0.0 > q:1.1 > logits", "q:1.1 > v:0.0", "q:", ":", "q:1.1;", ">", "k:1.0 > ",
          "resid_post:0", "resid_mid:1", "resid_pre:0", "neuron:1.2", "*.*", "0.*", "heads,heads", "S1,S1", "1e9", ""]
CIRCUITS = ["paper", "naive", "lab", "1.1", "1,1", "1.1 0.0", "a: 1.1 @ END; b: 0.0 0.1 @ S1", "a: 1.1; a: 0.0", "a:", ":", ";", "1.1 1.1", "9.9",
            "1.1 @", "1.1 @ nowhere", "1.1 @ 0", "1.1 @ all", "out/find_circuit.json", "out/accuracy.json", "pairs.jsonl", "@ END", "a: 1.1 @ END, S1", "",
            "1.1 @ END; 0.0 @ END; 0.1 @ END; 0.2 @ END; 1.0 @ END", "-1.0", "1.99999999999999999"]
SIZES = ["1", "1K", "64K", "1M", "1G", "2G", "0", "-1", "1T", "K", "", "1.5G", "1125899906842624", "1024G", "99999999999999G"]
FILES = ["pairs.jsonl", "one_token.jsonl", "ids.jsonl", "lengths.jsonl", "long.jsonl", "alone.jsonl", "sets.jsonl", "odd.jsonl", "same.jsonl", "none.jsonl",
         "broken.jsonl", "array.json", "pairs.csv", "templates.jsonl", "special.jsonl", "nowhere.jsonl", "out", ""]
TASKS = ["induction"] * 4 + ["file:" + name for name in FILES] * 2 + FILES[:2] + ["ioi", "ioi_lab", "greater_than", "file", "file:/dev/null", "gendered_pronoun"]
FOLDERS = ["out", "out", "out", "other", "out/deep", "", "pairs.jsonl", "/proc/nowhere", "x.html", "x.npz", "pictures/", "café 🙂"]
RESULTS = [f"out/{name}" for name in ("accuracy.json", "activation_patching.json", "logit_lens.json", "path_patching.json", "attention_patterns.json",
                                      "find_circuit.json", "head_scores.json", "causal_tracing.json", "direct_logit_attribution.json")]
RESULTS += ["tests/golden/report/heads.json", "tests/golden/report/heads_bos.json", "out", "other", "pairs.jsonl", "nowhere", "", "study.toml"]
GLOBS = ["*", "*hook_z", "blocks.0.attn.hook_pattern", "hook_embed", "*hook_resid_pre,*hook_scale", "blocks.*.mlp.*", "hook_z", "", ",", "nothing*", "*" * 60 + "x", "ln_final.*"]
# What a careful person writes, where a page's own words are no values.
CAREFUL = {"--task": ["induction", "file:ids.jsonl", "file:ids.jsonl", "file:long.jsonl", "file:sets.jsonl", "file:templates.jsonl", "file:lengths.jsonl",
                      "file:same.jsonl", "file:one_token.jsonl", "file:alone.jsonl"],
           "NAME": ["induction", "file:ids.jsonl", "file:pairs.jsonl"], "--model": [TINY], "PATH": [TINY, "tests/golden/tiny-llama"], "--out": ["out"],
           "--layers": ["0", "1", "0,1", "-1", "0-1", "middle"], "--heads": ["0", "1", "0-1", "-1"], "--neurons": ["0", "0-3", "-1"],
           "--positions": ["all", "END", "0", "S1,END", "-1", "0-2"], "--src-positions": ["all", "every", "S1", "0"], "--dest-positions": ["END", "every", "all"],
           "--sender-position": ["END", "all", "0"], "--receiver-position": ["END", "all", "S1"], "--nodes": ["0.0", "0.0,1.1", "0.0+0.1,1.2"],
           "--sender": ["heads", "mlps", "nodes", "0.0,1.1", "mlp0", "embed", "neuron:0.3", "resid_pre:0", "0.0+0.1"],
           "--receiver": ["logits", "q:1.1", "k:1.0;v:1.1", "pattern:1.0", "mlp_in:1", "v:1.0 > logits", "resid_post:1", "neuron:1.3", "q:1.*"],
           "--circuit": ["1.1", "1.1 0.0", "a: 1.1 @ END; b: 0.0 0.1 @ S1", "1.1 1.0 @ END"], "--subject": ["S1", "END", "S1,END"], "--names": ["*", "*hook_z"],
           "--threads": ["1", "2"], "--timeout": ["10"], "--prompts": ["2", "3"], "--process": ["all", "fold_layer_norm", "center_unembed"],
           "--shard": ["1/1", "1/2", "2/2"], "TEXT": ["Mary", "When Mary and John went", "-", "<|endoftext|>"], "--tokens": ["1,2,3", "299,5"],
           "--answer": [" the", "a"], "--axes": [
               "layer", "head", "position", "layer,head", "layer,position", "layer,neuron", "destination,source", "head,position"],
           "--color": ["never", "always", "256"], "--format": ["json", "json,csv", "json,npz,svg", "csv,png,pdf", "html", "text", "svg"], "--length": ["2", "9", "15"], "--draws": ["1", "3"], "--seed": ["1", "7"]}
STUDY = """title = "A"
text = "B"
model = "tests/golden/tiny-gpt2"
task = { name = "TASK", prompts = 3 }
[[experiments]]
id = "one"
experiment = "EXPERIMENT"
options = { OPTIONS }
"""


def write_files(folder):
    """Prompts of many kinds, for tiny-gpt2's 300 tokens and 32 positions."""
    pair = {"clean": "Mary and John went. John gave a book to", "corrupted": "Mary and John went. Mary gave a book to",
            "answer": " ", "wrong": "J", "positions": {"S1": ["John", 1], "S2": ["John", 2]}}
    ids = {"clean": [1, 2, 3, 4], "corrupted": [1, 9, 3, 4], "answer": 5, "wrong": 6, "positions": {"S1": 1, "IO": 0}}
    rows = {
        "pairs": [pair], "ids": [ids, {**ids, "clean": [7, 2, 8, 4], "corrupted": [7, 9, 8, 4]}] * 3,
        "one_token": [{**ids, "clean": [1], "corrupted": [2], "positions": {}}],
        "lengths": [ids, {**ids, "clean": [1, 2, 3, 4, 5, 6], "corrupted": [1, 2, 9, 4, 5, 6]}],
        "long": [{**ids, "clean": [3] * 31 + [k], "corrupted": [4] * 31 + [k]} for k in range(3)] + [{**ids, "clean": [3] * 32, "corrupted": [5] * 32}],
        "alone": [{"clean": [1, 2, 3], "answer": 4}, {"clean": [1, 2, 5], "answer": 4, "wrong": 9}],
        "sets": [{**ids, "answer": [5, 6, 7], "wrong": [8, 9]}, {**ids, "answer": list(range(150)), "wrong": list(range(150, 300))}],
        "odd": [{**ids, "clean": [299, 299, 0, 0], "corrupted": [0, 0, 299, 299], "answer": 0, "wrong": 0, "note": "\u202e\x1b[31m", "kind": 1.5}],
        "same": [{**ids, "corrupted": ids["clean"]}] * 4, "none": [],
        "templates": [{**ids, "template": name, "clean": [k, 2, 3, 4]} for k, name in enumerate("aabbbc")],
        "special": [{**ids, "clean": "<|endoftext|>a", "corrupted": "<|endoftext|>b"}]}
    for name, lines in rows.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "broken.jsonl").write_text('{"clean": [1, 2], "corrupted": [1, 3], "answer": 4}\n{"clean": [1')
    (folder / "array.json").write_text(json.dumps({"data": rows["ids"]}))
    (folder / "pairs.csv").write_text("clean,corrupted,answer,wrong,extra\na b c,a d c, ,b,1\n")
    (folder / "prompts").mkdir()


class Lines:
    """Draws command lines; the same seed and the same command give the same ones."""

    def __init__(self, command, folder, seed):
        self.command, self.folder, self.random = command, folder, random.Random(seed)
        self.pages = {}
        self.careful = False
        self.read_page("")
        self.experiments = [path.split()[1] for path in self.pages if path.startswith("run ")]
        self.metrics = re.findall(r"^  (\w+)  ", self.page("help", "metrics"), re.MULTILINE)

    def page(self, *words):
        return subprocess.run([self.command, *words], cwd=self.folder, capture_output=True, check=True, text=True).stdout

    def read_page(self, path):
        """All options {name: (type, what)} and arguments of a verb, and of those that belong to it."""
        text = self.page(*path.split(), "--help")
        entries = {}
        for title, body in re.findall(r"^(\w+):\n(.*?)(?=^\w+:|\Z)", text, re.MULTILINE | re.DOTALL):
            body = re.sub(r"\n {8,}", " ", body)
            entries[title] = re.findall(r"^  (?:-\w,)?([\w-]+)(?: ([A-Z/]+))?  +(.*)$", body, re.MULTILINE) if title != "examples" else []
        inner = entries.get("commands", []) + entries.get("experiments", [])
        if path not in NETWORK:
            self.pages[path] = {"arguments": [name for name, _, _ in entries.get("arguments", [])], "many": "]..." in text,
                                "options": [entry for title in ("settings", "options") for entry in entries.get(title, [])]}
        for name, _, _ in inner:
            self.read_page(f"{path} {name}".strip())

    def named(self, what):
        """Words of a description that may be values of what it describes."""
        return re.findall(r"([a-z]\w*)(?=[,:;)]| or |$)", what)

    def value(self, name, kind, what):
        draw = self.random
        if self.careful and name in CAREFUL:
            return draw.choice(CAREFUL[name])
        if self.careful and kind in ("N", "X"):
            return draw.choice(["1", "2", "3", "5"])
        if not self.careful and draw.random() < 0.06:
            return draw.choice(TEXTS)
        if not self.careful and draw.random() < 0.04:
            return draw.choice(WHOLE + NUMBERS + PLACES)
        pools = {"--task": TASKS, "NAME": TASKS, "--model": MODELS, "PATH": MODELS if name == "PATH" else FOLDERS, "--out": FOLDERS,
                 "--metric": self.metrics, "--circuit": CIRCUITS, "--max-memory": SIZES, "--names": GLOBS, "FILE": RESULTS, "FIRST": RESULTS,
                 "SECOND": RESULTS, "DIR": FOLDERS, "TEXT": TEXTS, "--answer": TEXTS, "--tokens": ["1", "1,2,3", "299", "300", "1,,2", "-1", "", "1," * 40 + "1"],
                 "--threads": ["1", "2", "2", "0", "257", "x"], "--timeout": ["0.001", "0", "5", "5s", "1h", "x", "-1", "1e9", "inf"],
                 "--shard": ["1/1", "1/2", "2/2", "0/2", "3/2", "1/0", "/", "1/100000", "1"], "--prompts": ["1", "2", "3", "5", "5", "0", "1000001", "x"],
                 "TOPIC": ["effects", "run", "task", "show", "nothing"] + self.experiments, "COMMAND": ["run", "model", "info", "nothing"] + self.experiments,
                 "SHELL": ["bash", "zsh", "fish", "tcsh"], "--length": ["2", "5", "16", "99", "1000000", "1", "0"],
                 "--target": ["SCALAR", "AVX2", "AVX3", "NEON", ""], "STUDY": ["study.toml", "study.toml", "pairs.jsonl", "nowhere", "figure_3"]}
        if name in pools:
            words = pools[name]
        elif kind == "N":
            words = WHOLE[:4] * 3 + WHOLE
        elif kind == "X":
            words = NUMBERS
        else:
            wild = PLACES * 2 if kind == "LIST" and not self.careful else []
            words = self.named(what) * 3 + wild
        if not words:
            return draw.choice(TEXTS)
        several = kind == "LIST" and draw.random() < 0.3
        return ",".join(draw.choice(words) for _ in range(draw.randint(2, 3))) if several else draw.choice(words)

    def options(self, page, most):
        """Some options with values; of the careless one in thirty is given twice."""
        draw, words = self.random, []
        chosen = draw.sample(page, min(len(page), draw.randint(0, most)))
        needs = {"--format": "--out", "--shard": "--out"}
        if self.careful:
            needed = [needs[name] for name, _, _ in chosen if name in needs]
            rare = ("--help", "--bos", "--special", "--collisions", "--skip-unfit", "--corruption", "--prompt-type", "--seed", "--source-seed", "--sigma")
            chosen = [entry for entry in chosen if entry[0] not in rare or draw.random() < 0.05]
            chosen += [entry for entry in page if entry[0] in needed and entry not in chosen]
        for name, kind, what in chosen:
            if name == "--help" and draw.random() < 0.9:
                continue
            for _ in range(2 if draw.random() < 0.03 and not self.careful else 1):
                value = self.value(name, kind, what) if kind else None
                joined = isinstance(value, str) and draw.random() < 0.3
                words += [f"{name}={value}"] if joined else [name] if value is None else [name, value]
        return words

    def write_study(self):
        name = self.random.choice(self.experiments)
        page = [entry for entry in self.pages[f"run {name}"]["options"] if entry[1] in ("N", "X", "NAME", "LIST") and entry[0] != "--task"]
        options = []
        for option, kind, what in self.random.sample(page, min(3, len(page))):
            value = self.value(option, kind, what)
            options.append(f"{option[2:]} = {json.dumps(value if isinstance(value, str) else 'x')}")
        text = STUDY.replace("TASK", self.random.choice(TASKS)).replace("EXPERIMENT", name).replace("OPTIONS", ", ".join(options))
        (self.folder / "study.toml").write_text(text)

    def next(self):
        """The words after `patchbay`."""
        draw = self.random
        self.careful = draw.random() < 0.6
        verbs = [path for path in self.pages if not path.startswith("run") and path != "doctor"]
        if draw.random() < 0.55:
            path = "run " + draw.choice(self.experiments)
        elif draw.random() < 0.1:
            path = draw.choice(["study", "doctor"] if draw.random() < 0.7 else ["run", "model", "task", ""])
        else:
            path = draw.choice(verbs)
        page = self.pages.get(path, {"arguments": [], "options": [], "many": False})
        words = path.split()
        given = self.options(page["options"], 7 if path.startswith("run ") else 5)
        if path == "study":
            self.write_study()
        for name in page["arguments"]:
            words += [self.value(name, "", "") for _ in range(draw.randint(1, 3 if page["many"] else 1)) if draw.random() < 0.95]

        def given_already(name):
            return any(isinstance(word, str) and word.split("=")[0] == name for word in given)
        usual = {"--task": TASKS, "--model": [TINY]} if path.startswith("run ") else {"--model": [TINY], "--names": GLOBS}
        for name, pool in usual.items():
            known = name in [option for option, _, _ in page["options"]]
            if known and not given_already(name) and draw.random() < 0.9 and not ("PATH" in page["arguments"]):
                given += [name, draw.choice(CAREFUL[name] if self.careful else pool)]
        if "--timeout" in [option for option, _, _ in page["options"]] and not given_already("--timeout"):
            given += ["--timeout", "10"]
        return words + given
