"""What tests of the command share: a folder of their own, and the command run in it."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest


def arguments():
    """PATCHBAY and REPOSITORY, taken from the command line before unittest reads it."""
    return pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()


class CommandTest(unittest.TestCase):
    def setUp(self):
        self.patchbay, self.repository = arguments()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="patchbay-cli-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.env = {"PATH": os.environ["PATH"], "HF_HOME": str(self.folder / "huggingface"),
                    "GCOV_ERROR_FILE": "/dev/null"}
        self.sanitized = "LSAN_OPTIONS" in os.environ  # by its test preset; runs take twenty times as long
        if self.sanitized:  # what is no leak of ours
            self.env["LSAN_OPTIONS"] = os.environ["LSAN_OPTIONS"]

    def run_raw(self, *args):
        return subprocess.run([self.patchbay, *args], capture_output=True, cwd=self.folder,
                              env=self.env, timeout=300, check=False)

    def run_ok(self, *args):
        done = self.run_raw(*args)
        self.assertEqual(done.returncode, 0, done.stderr.decode(errors="replace"))
        return done.stdout.decode()

    def error(self, code, *args):
        done = self.run_raw(*args)
        self.assertEqual(done.returncode, code, done.stderr.decode(errors="replace"))
        self.assertEqual(done.stdout, b"")
        return done.stderr.decode()


class RepositoryTest(CommandTest):
    """In a folder that holds tests/ as the repository does, so that the examples of the help pages run as they are
    printed and leave nothing behind; the command is on the path."""

    def setUp(self):
        super().setUp()
        (self.folder / "tests").symlink_to(self.repository / "tests")
        self.env |= {"PATH": f"{self.patchbay.parent}:{os.environ['PATH']}", "TERM": "xterm"}

    def run_raw(self, *args, stdin=b"", **options):
        options.setdefault("stdout", subprocess.PIPE)
        return subprocess.run([self.patchbay, *args], input=stdin, stderr=subprocess.PIPE, cwd=self.folder,
                              env=self.env, timeout=120, check=False, **options)

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
