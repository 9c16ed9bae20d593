"""What the tests of `patchbay model pull` share: a hub, an empty cache, and what a good one holds."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import types
import unittest

from fault_server import COMMIT, FaultServer, etag_of

SETUP = types.SimpleNamespace(patchbay="", repository=pathlib.Path())
TOKEN = "hf_thisIsNoRealToken"
FILES = ["config.json", "model.safetensors", "tokenizer.json"]
GPT2 = "openai-community/gpt2"


class PullTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="patchbay-pull-"))
        self.folder.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / "gcov").mkdir()
        (self.folder / "gcov").chmod(0o777)
        self.cache = self.folder / "hf" / "hub"
        golden = SETUP.repository / "tests" / "golden" / "tiny-gpt2"
        self.files = {name: (golden / name).read_bytes() for name in FILES}
        self.files["README.md"] = b"not wanted"
        self.files["pytorch_model.bin"] = b"never"
        self.server = FaultServer({GPT2: self.files, "org/name": self.files})
        self.server.__enter__()
        self.addCleanup(self.server.__exit__)
        self.env = {"PATH": f"{pathlib.Path(SETUP.patchbay).parent}:{os.environ['PATH']}",
                    "HOME": str(self.folder), "HF_HOME": str(self.folder / "hf"),
                    "HF_ENDPOINT": self.server.address,
                    "GCOV_ERROR_FILE": "/dev/null",
                    "PATCHBAY_HUB_RETRY_SECONDS": "0.02", "PATCHBAY_HUB_STALL_SECONDS": "20"}
        # The sanitizers of a test build say what they find by this.
        self.env |= {name: os.environ[name] for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS")
                     if name in os.environ}

    # Running the command.

    def command(self, *args, **env):
        return [SETUP.patchbay, "model", *args], {**self.env, **env}

    def run_raw(self, *args, prefix=(), env=None, **options):
        command, environment = self.command(*args, **(env or {}))
        if prefix or options:  # counts of lines (gcov) cannot be kept on small disks or as somebody else
            environment |= {"GCOV_PREFIX": str(self.folder / "gcov"), "GCOV_ERROR_FILE": "/dev/null"}
        return subprocess.run([*prefix, *command], capture_output=True, text=True, timeout=100,
                              env=environment, cwd=self.folder, check=False, **options)

    def pull(self, *args, **options):
        done = self.run_raw("pull", *args, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def fails(self, code, *args, says=(), verb="pull", **options):
        done = self.run_raw(verb, *args, **options)
        self.assertEqual(done.returncode, code, done.stderr)
        error = done.stderr.splitlines()[-1]
        self.assertTrue(error.startswith("error: ["), done.stderr)
        for text in says:
            self.assertIn(text, error)
        self.assertNotIn(TOKEN, done.stdout + done.stderr)
        return done

    # What must be there afterwards.

    def repository(self, model=GPT2):
        return self.cache / ("models--" + model.replace("/", "--"))

    def blob(self, name, content=None):
        return self.repository() / "blobs" / etag_of(name, content or self.files[name])

    def partial(self, name="model.safetensors"):
        return pathlib.Path(f"{self.blob(name)}.incomplete")

    def assert_whole(self, names=FILES, model=GPT2, ref="main"):
        """The layout is huggingface_hub's, to the last file."""
        repository = self.repository(model)
        self.assertEqual((repository / "refs" / ref).read_text(), COMMIT)
        snapshot = repository / "snapshots" / COMMIT
        self.assertEqual(sorted(entry.name for entry in snapshot.iterdir()), sorted(names))
        blobs = {}
        for name in names:
            content = self.files[name]
            blobs[etag_of(name, content)] = content
            self.assertEqual(os.readlink(snapshot / name),
                             f"../../blobs/{etag_of(name, content)}")
        self.assertEqual({entry.name: entry.read_bytes()
                          for entry in (repository / "blobs").iterdir()}, blobs)
        self.assertEqual({entry.name for entry in repository.iterdir()},
                         {"blobs", "refs", "snapshots"})
        locks = self.cache / ".locks" / repository.name
        self.assertTrue(all(re.fullmatch(r"([0-9a-f]{40}|[0-9a-f]{64})\.lock", entry.name)
                            for entry in locks.iterdir()))

    def assert_nothing_is_named(self):
        """Nothing that fails may look like a model."""
        self.assertFalse((self.repository() / "refs").exists())
        self.assertFalse((self.repository() / "snapshots" / COMMIT / "model.safetensors").exists())

    def put_partial(self, content, name="model.safetensors"):
        self.partial(name).parent.mkdir(parents=True, exist_ok=True)
        self.partial(name).write_bytes(content)

    def content_requests(self):
        return self.server.requests("/content/")


def main():
    """python3 TEST PATCHBAY REPOSITORY [NAMES]"""
    SETUP.patchbay = str(pathlib.Path(sys.argv[1]).resolve())
    SETUP.repository = pathlib.Path(sys.argv[2]).resolve()
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=1)
