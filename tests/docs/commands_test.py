"""Runs the commands of the documentation: python3 commands_test.py PATCHBAY REPOSITORY

Every line of an sh block of README.md and docs/*.md that begins with patchbay must succeed, in the order of
its page, in a folder that looks like the repository's root. A text block right after an sh block is the
output of its last command. What the commands draw into docs/pictures is what is there.

With PATCHBAY_WRITE_GOLDENS=1 outputs and pictures are written instead: a line @@OUTPUT in place of a text
block is filled too.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

PATCHBAY, REPOSITORY = (pathlib.Path(p).resolve() for p in sys.argv[1:3])
SMOLLM2 = os.environ.get("PATCHBAY_SMOLLM2_GGUF")
WRITE = "PATCHBAY_WRITE_GOLDENS" in os.environ
# Why a line is not run, by what is in it; each of these words stands on some page.
LEFT_OUT = {"model pull": "goes to the network", "--model gpt2": "needs weights that are not shipped"}
BLOCK = re.compile(r"^```sh\n(.*?)^```\n(?:\n(?:```text\n(.*?)^```\n|(@@OUTPUT)\n))?", re.MULTILINE | re.DOTALL)


def pages():
    return [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]


def lines_of(block):
    return [line for line in block.replace("\\\n", "").splitlines() if re.match(r"(printf .*\| )?patchbay ", line)]


def why_left_out(line):
    if "build/smollm2/" in line:
        return None if SMOLLM2 else "needs PATCHBAY_SMOLLM2_GGUF"
    return next((why for words, why in LEFT_OUT.items() if words in line), None)


class Commands(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="patchbay-docs-"))
        self.addCleanup(shutil.rmtree, self.root)
        for name in ("models", "studies", "tests"):
            (self.root / name).symlink_to(REPOSITORY / name)
        if SMOLLM2:
            (self.root / "build/smollm2").mkdir(parents=True)
            (self.root / "build/smollm2" / pathlib.Path(SMOLLM2).name).symlink_to(SMOLLM2)
        (self.root / "bin").mkdir()
        (self.root / "bin/patchbay").symlink_to(PATCHBAY)
        self.env = {"PATH": f"{self.root / 'bin'}:{os.environ['PATH']}", "HF_HOME": str(self.root / "hub")}

    def write_files(self, page):
        """A block after a line such as `pairs.jsonl`: is that file."""
        for name, content in re.findall(r"^`([\w.]+)`:\n\n```\w+\n(.*?)^```$", page.read_text(encoding="utf-8"),
                                        re.MULTILINE | re.DOTALL):
            (self.root / name).write_text(content, encoding="utf-8")

    def run_line(self, line):
        return subprocess.run(["bash", "-c", line], cwd=self.root, env=self.env, capture_output=True, text=True,
                              errors="replace", check=False)

    def test_every_command_succeeds_and_says_what_the_page_says(self):
        count = 0
        for page in pages():
            self.write_files(page)

            def check(block):
                nonlocal count
                output = ""
                for line in lines_of(block[1]):
                    if why_left_out(line):
                        continue
                    count += 1
                    with self.subTest(page=page.name, line=line):
                        done = self.run_line(line)
                        self.assertEqual(done.returncode, 0, done.stderr)
                        output = done.stdout
                if block[2] is None and block[3] is None:
                    return block[0]
                if not WRITE:
                    with self.subTest(page=page.name, output=lines_of(block[1])[-1]):
                        self.assertEqual(block[2], output)
                return f"```sh\n{block[1]}```\n\n```text\n{output}```\n"
            text = page.read_text(encoding="utf-8")
            written = BLOCK.sub(check, text)
            if WRITE:
                page.write_text(written, encoding="utf-8")
            if page.name == "README.md":
                self.works_again(page)
        self.assertGreater(count, 60)
        self.pictures()

    def works_again(self, page):
        """The page's commands in the folders that they have filled, after what its quickstart does."""
        quickstart = (REPOSITORY / "scripts/quickstart.sh").read_text()
        study = re.search(r"study \w+ --out \w+", quickstart)
        lines = [line for block in BLOCK.finditer(page.read_text()) for line in lines_of(block[1])]
        for line in ["patchbay " + study[0], *lines]:
            if not why_left_out(line):
                with self.subTest(again=line):
                    done = self.run_line(line)
                    self.assertEqual(done.returncode, 0, done.stderr)

    def pictures(self):
        drawn = self.root / "docs/pictures"
        there = REPOSITORY / "docs/pictures"
        if WRITE:
            shutil.rmtree(there, ignore_errors=True)
            shutil.copytree(drawn, there)
        names = {p.relative_to(drawn) for p in drawn.rglob("*.svg")}
        self.assertEqual(names, {p.relative_to(there) for p in there.rglob("*.*")})
        for name in names:
            self.assertTrue((drawn / name).read_bytes() == (there / name).read_bytes(), name)
        shown = {pathlib.Path(m) for page in pages() for m in re.findall(r"\]\((?:docs/)?pictures/([^)]+)\)", page.read_text())}
        self.assertEqual(shown, names & shown)
        self.assertGreater(len(shown), 5)

    def test_only_known_lines_are_left_out(self):
        lines = [line for page in pages() for block in BLOCK.finditer(page.read_text()) for line in lines_of(block[1])]
        for words in LEFT_OUT:
            self.assertTrue(any(words in line for line in lines), words)
        self.assertLess(sum(why_left_out(line) is not None for line in lines), 12)

    def test_every_link_between_pages_leads_somewhere(self):
        for page in pages():
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
                self.assertTrue((page.parent / target).exists(), f"{page.name}: {target}")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
