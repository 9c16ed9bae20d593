"""What tests of the command share: a folder of their own, and the command run in it."""

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
