"""Drives `patchbay model pull` against a hub that misbehaves: python3 pull_test.py PATCHBAY REPOSITORY

Nothing leaves this machine: the hub is fault_server.py on 127.0.0.1.
"""

import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from fault_server import COMMIT, FaultServer, etag_of, git_sha1, sha256

PATCHBAY = ""
REPOSITORY = pathlib.Path()
NOBODY = 65534
TOKEN = "hf_thisIsNoRealToken"
FILES = ["config.json", "model.safetensors", "tokenizer.json"]
GPT2 = "openai-community/gpt2"


class PullTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="patchbay-pull-"))
        self.folder.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.folder)
        self.cache = self.folder / "hf" / "hub"
        golden = REPOSITORY / "tests" / "golden" / "tiny-gpt2"
        self.files = {name: (golden / name).read_bytes() for name in FILES}
        self.files["README.md"] = b"not wanted"
        self.files["pytorch_model.bin"] = b"never"
        self.server = FaultServer({GPT2: self.files, "org/name": self.files})
        self.server.__enter__()
        self.addCleanup(self.server.__exit__)
        self.env = {"PATH": f"{pathlib.Path(PATCHBAY).parent}:{os.environ['PATH']}",
                    "HOME": str(self.folder), "HF_HOME": str(self.folder / "hf"),
                    "HF_ENDPOINT": self.server.address,
                    "PATCHBAY_HUB_RETRY_SECONDS": "0.02", "PATCHBAY_HUB_STALL_SECONDS": "20"}
        # The sanitizers of a test build say what they find by this.
        self.env |= {name: os.environ[name] for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS")
                     if name in os.environ}

    # Running the command.

    def command(self, *args, **env):
        return [PATCHBAY, "model", *args], {**self.env, **env}

    def run_raw(self, *args, prefix=(), env=None, **options):
        command, environment = self.command(*args, **(env or {}))
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


def cut_after(count):
    """Sends that many bytes of what the hub would send, and cuts the connection."""
    def action(handler):
        write, left = handler.wfile.write, count

        def write_some(data):
            nonlocal left
            if data.startswith(b"HTTP/1.1 "):
                return write(data)
            write(data[:left])
            left -= len(data)
            if left < 0:
                raise BrokenPipeError
            return None
        handler.wfile.write = write_some
        handler.serve_as_the_hub_does()
    return action


class Clean(PullTest):
    def test_a_model_arrives_whole_and_is_found_by_its_names(self):
        done = self.pull("gpt2")
        self.assert_whole()
        snapshot = self.repository() / "snapshots" / COMMIT
        self.assertEqual(done.stdout, f"{snapshot}\n")
        for name in ["gpt2", "GPT2", GPT2, f"{GPT2}@main", f"gpt2@{COMMIT}"]:
            found = json.loads(self.run_raw("info", "--json", name).stdout)
            self.assertEqual(found["model"], "gpt2")
            self.assertEqual(found["files"][0]["path"], str(snapshot / "model.safetensors"))
        verified = self.run_raw("verify", "gpt2", "--json")
        self.assertEqual(verified.returncode, 0, verified.stderr)
        self.assertEqual({check["result"] for check in json.loads(verified.stdout)["files"]},
                         {"good"})

    def test_a_second_pull_asks_for_the_list_alone(self):
        self.pull("gpt2")
        before = len(self.server.requests(method="*"))
        done = self.pull("gpt2")
        self.assertIn("everything was there", done.stderr)
        self.assertEqual(len(self.server.requests(method="*")), before + 1)

    def test_results_are_json_and_quiet_is_quiet(self):
        done = self.pull("org/name", "--revision", "v1", "--json", "--quiet")
        self.assertEqual(done.stderr, "")
        found = json.loads(done.stdout)
        self.assertEqual((found["id"], found["revision"], found["commit"]),
                         ("org/name", "v1", COMMIT))
        self.assertEqual({file["file"]: file["digest"] for file in found["files"]},
                         {name: etag_of(name, self.files[name]) for name in FILES})
        self.assert_whole(model="org/name", ref="v1")
        listed = json.loads(self.run_raw("list", "--json").stdout)["cached"]
        self.assertEqual([(model["model"], model["refs"], model["complete"]) for model in listed],
                         [("org/name@v1", ["v1"], True)])
        self.assertEqual(json.loads(self.run_raw("info", "org/name@v1", "--json").stdout)["model"],
                         "org/name")
        self.fails(66, "org/name", verb="info", says=["patchbay model pull org/name"])

    def test_the_examples_of_the_help_page_run_as_printed(self):
        self.server.http.repositories["HuggingFaceTB/SmolLM2-135M"] = self.files
        page = self.run_raw("pull", "--help").stdout
        examples = [line[2:] for line in page.split("examples:\n")[1].splitlines()]
        self.assertGreaterEqual(len(examples), 3)
        for example in examples:
            done = subprocess.run(shlex.split(example), capture_output=True, text=True,
                                  env=self.env, cwd=self.folder, timeout=100, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_shards_and_the_older_kind_of_tokenizer(self):
        half = self.files["model.safetensors"]
        self.files.clear()
        index = {"weight_map": {"a": "model-00001-of-00002.safetensors",
                                "b": "model-00002-of-00002.safetensors"}}
        self.files.update({
            "config.json": b"{}", "vocab.json": b"{}", "merges.txt": b"", "notes.txt": b"no",
            "generation_config.json": b"{}", "tokenizer_config.json": b'{"a": 1}',
            "model.safetensors.index.json": json.dumps(index).encode(),
            "model-00001-of-00002.safetensors": half, "model-00002-of-00002.safetensors": half[:9]})
        self.pull("gpt2")
        self.assert_whole([name for name in self.files if name != "notes.txt"])

    def test_a_blob_that_is_there_is_linked_and_not_fetched(self):
        blob = self.blob("model.safetensors")
        blob.parent.mkdir(parents=True)
        blob.write_bytes(self.files["model.safetensors"])
        self.pull("gpt2")
        self.assert_whole()
        self.assertEqual(self.content_requests(), [])


class Interruptions(PullTest):
    def test_cut_connections_are_continued_where_they_stopped(self):
        self.server.add_rule("/content/", cut_after(1000), times=3)
        self.pull("gpt2")
        self.assert_whole()
        ranges = [headers.get("Range") for _, _, headers in self.content_requests()]
        self.assertEqual(ranges, [None, "bytes=1000-", "bytes=2000-", "bytes=3000-"])
        self.assertTrue(all("If-Range" in headers
                            for _, _, headers in self.content_requests()[1:]))

    def test_small_files_are_continued_too(self):
        self.server.add_rule("/resolve-cache/", cut_after(500), times=2)
        self.pull("gpt2")
        self.assert_whole()

    def test_a_server_that_knows_no_ranges_starts_anew(self):
        def whole(handler):
            del handler.headers["Range"]
            return False
        self.server.add_rule("/content/", cut_after(1000), times=1)
        self.server.add_rule("/content/", whole)
        self.pull("gpt2")
        self.assert_whole()

    def test_a_wrong_part_is_not_believed(self):
        def other_part(handler):
            content = self.files["model.safetensors"]
            handler.answer(206, content[50:], ETag='"x"',
                           Content_Range=f"bytes 50-{len(content) - 1}/{len(content)}")
        self.server.add_rule("/content/", cut_after(1000), times=1)
        self.server.add_rule("/content/", other_part, times=1)
        self.pull("gpt2")
        self.assert_whole()

    def test_416_starts_anew(self):
        self.put_partial(self.files["model.safetensors"][:700])
        self.server.add_rule("/content/", lambda handler: handler.answer(416), times=1)
        self.pull("gpt2")
        self.assert_whole()
        self.assertEqual([headers.get("Range") for _, _, headers in self.content_requests()],
                         ["bytes=700-", None])

    def test_a_partial_file_of_another_time_is_continued_or_replaced(self):
        content = self.files["model.safetensors"]
        for partial, requests in [(content[:700], 1), (content, 0), (content + b"x", 1),
                                  (b"?" * 700, 2), (b"?" * len(content), 1)]:
            with self.subTest(partial[:4]):
                shutil.rmtree(self.cache, ignore_errors=True)
                self.put_partial(partial)
                before = len(self.content_requests())
                self.pull("gpt2")
                self.assert_whole()
                self.assertEqual(len(self.content_requests()) - before, requests)

    def test_content_that_changes_midway_is_fetched_in_its_new_version(self):
        old = self.files["model.safetensors"]
        new = old[:-1] + bytes([old[-1] ^ 1])

        def change(handler):
            self.files["model.safetensors"] = new
            return False

        def cut_and_change(handler):
            try:
                cut_after(1000)(handler)
            finally:
                self.files["model.safetensors"] = new
        self.server.add_rule("/content/", cut_and_change, times=1)
        self.pull("gpt2")
        self.assert_whole()
        self.assertEqual(self.blob("model.safetensors").read_bytes(), new)

    def test_announcements_that_change_for_ever_are_given_up(self):
        def change(handler):
            content = self.files["model.safetensors"]
            self.files["model.safetensors"] = content[:-1] + bytes([(content[-1] + 1) % 256])
            return False
        self.server.add_rule("/resolve/" + COMMIT + "/model.safetensors", change)
        self.fails(69, "gpt2", says=["again and again"])
        self.assert_nothing_is_named()

    def interrupted(self, number):
        def drip(handler):
            content = self.files["model.safetensors"]
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(content)))
            handler.end_headers()
            handler.wfile.write(content[:5000])
            handler.wfile.flush()
            time.sleep(8)
            handler.cut()
        self.server.add_rule("/content/", drip, times=1)
        command, environment = self.command("pull", "gpt2")
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, cwd=self.folder) as process:
            end = time.monotonic() + 30
            while not self.partial().exists() or self.partial().stat().st_size < 5000:
                self.assertLess(time.monotonic(), end, "nothing arrives")
                time.sleep(0.02)
            begin = time.monotonic()
            process.send_signal(number)
            _, error = process.communicate(timeout=30)
            self.assertLess(time.monotonic() - begin, 5)
            return process.returncode, error

    def test_ctrl_c_leaves_a_part_that_the_next_pull_continues(self):
        for number, code in [(signal.SIGINT, 130), (signal.SIGTERM, 143)]:
            with self.subTest(code):
                shutil.rmtree(self.cache, ignore_errors=True)
                returned, error = self.interrupted(number)
                self.assertEqual(returned, code)
                self.assertTrue(error.endswith("error: [run] interrupted before it was done\n"))
                self.assertEqual(self.partial().read_bytes(),
                                 self.files["model.safetensors"][:5000])
                self.assert_nothing_is_named()
                self.fails(66, "gpt2", verb="info", says=["patchbay model pull gpt2"])
                done = self.pull("gpt2")
                self.assertIn("continuing at byte 5000", done.stderr)
                self.assert_whole()
                self.assertEqual(self.content_requests()[-1][2]["Range"], "bytes=5000-")

    def test_ctrl_c_ends_a_pause_too(self):
        self.server.add_rule("/api/models", lambda handler: handler.answer(503, Retry_After="100"))
        command, environment = self.command("pull", "gpt2")
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE,
                              cwd=self.folder) as process:
            while not self.server.requests("/api/models"):
                time.sleep(0.02)
            time.sleep(0.3)
            begin = time.monotonic()
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)
            self.assertEqual(process.returncode, 130)
            self.assertLess(time.monotonic() - begin, 2)


class Refusals(PullTest):
    def test_429_waits_as_long_as_it_is_told(self):
        for part, method in [("/api/models", "GET"), ("/resolve/", "HEAD"), ("/content/", "GET")]:
            self.server.add_rule(part, lambda handler: handler.answer(429, Retry_After="1"),
                                 method=method, times=1)
        begin = time.monotonic()
        self.pull("gpt2")
        self.assertGreaterEqual(time.monotonic() - begin, 3)
        self.assert_whole()

    def test_429_for_hours_is_not_waited_for(self):
        self.server.add_rule("/content/", lambda handler: handler.answer(429, Retry_After="7200"))
        self.fails(69, "gpt2", says=["7200 seconds", "try again later"])
        self.assert_nothing_is_named()

    def test_some_500s_are_survived_and_endless_ones_are_not(self):
        for part, method in [("/api/models", "GET"), ("/resolve/", "HEAD"), ("/content/", "GET")]:
            self.server.add_rule(part, lambda handler: handler.answer(500), method=method, times=3)
        self.pull("gpt2")
        self.assert_whole()
        shutil.rmtree(self.cache)
        for part, method in [("/content/", "GET"), ("/resolve/", "HEAD"), ("/api/models", "GET")]:
            with self.subTest(part):
                before = len(self.server.requests(part, method))
                self.server.add_rule(part, lambda handler: handler.answer(502), method=method)
                self.fails(69, "gpt2", says=["502", "6 attempts"])
                self.assertEqual(len(self.server.requests(part, method)) - before, 6)
                self.assert_nothing_is_named()

    def test_no_server_at_all(self):
        with FaultServer({}) as gone:
            address = gone.address
        self.fails(69, "gpt2", env={"HF_ENDPOINT": address}, says=["127.0.0.1", "try again later"])

    def test_an_endpoint_that_is_none(self):
        for endpoint in ["ftp://127.0.0.1", "nonsense", "http://user:word@127.0.0.1", "https://"]:
            self.fails(2, "gpt2", env={"HF_ENDPOINT": endpoint}, says=["[HF_ENDPOINT]"])

    def test_redirect_loops_end(self):
        self.server.add_rule("/content/", lambda handler: handler.answer(302, Location=handler.path))
        self.fails(69, "gpt2", says=["redirects more than"])
        self.assertLess(len(self.content_requests()), 12)
        self.assert_nothing_is_named()
        for location in ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://", "gopher://x/",
                         "http://user:word@127.0.0.1/"]:
            with self.subTest(location):
                self.server.http.rules.clear()
                self.server.add_rule("/content/",
                                     lambda handler: handler.answer(302, Location=location))
                self.fails(69, "gpt2", says=["no http or https address"])

    def test_models_that_are_not_there(self):
        self.fails(66, "gpt3/nothing", says=["no model gpt3/nothing", "HF_TOKEN"])
        self.fails(66, "opnai-community/gpt2", says=['did you mean "openai-community/gpt2"?'])
        self.fails(66, "gpt2", "--revision", "v9", says=['no revision "v9"'])
        self.fails(2, "a/b/c", says=["no name of a model"])
        self.fails(2, "../gpt2", says=["no name of a model"])
        self.fails(2, "gpt2", "--revision", "../../x", says=["no branch"])
        self.assertFalse(self.cache.exists())

    def test_pickles_are_refused_with_advice(self):
        del self.files["model.safetensors"]
        self.fails(65, "gpt2", says=["pickles", "safe_serialization=True"])
        self.assertEqual(len(self.server.requests(method="*")), 1, "nothing else is asked for")
        self.files["model.gguf"] = self.files.pop("pytorch_model.bin")
        self.fails(65, "gpt2", says=["GGUF"])
        del self.files["config.json"]
        self.fails(65, "gpt2", says=["config.json"])
        self.assertFalse(self.cache.exists())

    def test_file_names_that_lead_out_are_refused(self):
        for name in ["../x.json", "/etc/x", "a/../../x", "a//b", "./x", "a\\b", "x\n", ""]:
            with self.subTest(name):
                self.server.http.repositories["org/bad"] = {**self.files, name: b"x"}
                self.fails(65, "org/bad", says=["lead out"])
        self.assertFalse(self.cache.exists())

    def test_an_index_that_leads_out_is_refused(self):
        del self.files["model.safetensors"]
        for name in ["../x.safetensors", "/x.safetensors", "a/x.safetensors", "x.bin"]:
            with self.subTest(name):
                shutil.rmtree(self.cache, ignore_errors=True)
                index = {"weight_map": {"a": name}}
                self.files["model.safetensors.index.json"] = json.dumps(index).encode()
                self.fails(65, "gpt2", says=["index's own folder"])
                self.assert_nothing_is_named()

    def test_answers_that_are_not_the_hubs(self):
        bad = [b"", b"<html>", b"{", b"[]", b"{}", b'{"sha": 1, "siblings": []}',
               b'{"sha": "../../x", "siblings": []}', b'{"sha": "%s"}' % COMMIT.encode(),
               b'{"sha": "%s", "siblings": [{"rfilename": 7}]}' % COMMIT.encode(),
               b'{"sha": "%s", "siblings": [{"rfilename": "a", "size": -1}]}' % COMMIT.encode(),
               b"[" * 100_000, b'{"a": 1, "a": 2}']
        for text in bad:
            with self.subTest(text[:40]):
                self.server.http.rules.clear()
                self.server.add_rule("/api/models", lambda handler: handler.answer(200, text))
                self.fails(69, "gpt2", says=["check HF_ENDPOINT"])
        self.assertFalse(self.cache.exists())

    def test_an_endless_answer_is_cut(self):
        def endless(handler):
            handler.send_response(200)
            handler.end_headers()
            for _ in range(64):
                handler.wfile.write(b" " * (1 << 20))
            handler.cut()
        self.server.add_rule("/api/models", endless)
        self.fails(69, "gpt2", says=["longer than any such answer"])


class Lies(PullTest):
    def lie_about_length(self, offered):
        def action(handler):
            content = self.files["model.safetensors"]
            handler.answer(200, content, Content_Length=offered(len(content)))
            handler.cut()
        self.server.add_rule("/content/", action)
        self.fails(69, "gpt2", says=["bytes are offered", "were announced", "6 attempts"])
        self.assert_nothing_is_named()

    def test_a_length_that_is_too_short(self):
        self.lie_about_length(lambda n: n - 10)

    def test_a_length_that_is_too_long(self):
        self.lie_about_length(lambda n: n + 10)

    def test_lengths_that_lie_from_the_start(self):
        content = self.files["model.safetensors"]
        for announced in [len(content) - 10, len(content) + 10]:
            with self.subTest(announced):
                def announce(handler):
                    handler.answer(302, X_Linked_Etag=f'"{sha256(content)}"',
                                   X_Linked_Size=announced, X_Repo_Commit=COMMIT,
                                   Location=f"/content/{sha256(content)}")
                shutil.rmtree(self.cache, ignore_errors=True)
                self.server.http.rules.clear()
                self.server.add_rule("/resolve/" + COMMIT + "/model", announce, method="*")
                self.fails(69, "gpt2")
                self.assert_nothing_is_named()

    def test_too_many_bytes_without_a_length(self):
        def action(handler):
            handler.send_response(200)
            handler.end_headers()
            handler.wfile.write(self.files["model.safetensors"] + b"more")
            handler.cut()
        self.server.add_rule("/content/", action)
        self.fails(69, "gpt2", says=["more than the"])
        self.assert_nothing_is_named()

    def test_content_with_another_digest_is_never_named(self):
        for name, part in [("model.safetensors", "/content/"), ("config.json", "config.json")]:
            with self.subTest(name):
                shutil.rmtree(self.cache, ignore_errors=True)
                self.server.http.rules.clear()
                content = self.files[name]

                def damaged(handler):
                    handler.answer(200, b"?" + content[1:])
                self.server.add_rule(part, damaged)
                self.fails(69, "gpt2", says=["nothing is kept"])
                self.assert_nothing_is_named()
                self.assertFalse(self.blob(name).exists())
                self.assertEqual(self.partial(name).stat().st_size, 0)

    def test_content_that_is_damaged_once_is_fetched_again(self):
        content = self.files["model.safetensors"]
        self.server.add_rule("/content/", lambda handler: handler.answer(200, b"?" + content[1:]),
                             times=1)
        self.assertIn("damaged", self.pull("gpt2").stderr)
        self.assert_whole()

    def test_without_a_digest_nothing_is_believed(self):
        for headers in [{}, {"ETag": '"not-a-digest"'}, {"ETag": '"../../../x"'},
                        {"X_Linked_Etag": "/etc/passwd"}]:
            with self.subTest(headers):
                self.server.http.rules.clear()
                self.server.add_rule("config.json", lambda handler: handler.answer(200, **headers),
                                     method="HEAD")
                self.fails(69, "gpt2", says=["no digest of config.json"])
        self.assert_nothing_is_named()

    def slow(self, pause):
        def action(handler):
            content = self.files["model.safetensors"]
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(content)))
            handler.end_headers()
            for i in range(200):
                handler.wfile.write(content[i:i + 1])
                time.sleep(pause)
            handler.cut()
        return action

    def test_a_transfer_that_stalls_or_drips_is_cut_and_tried_again(self):
        for pause in [10, 0.05]:
            with self.subTest(pause):
                shutil.rmtree(self.cache, ignore_errors=True)
                self.server.http.rules.clear()
                self.server.add_rule("/content/", self.slow(pause), times=1)
                begin = time.monotonic()
                done = self.pull("gpt2", env={"PATCHBAY_HUB_STALL_SECONDS": "1"})
                self.assertLess(time.monotonic() - begin, 9)
                self.assertIn("too slow", done.stderr)
                self.assert_whole()


class Tokens(PullTest):
    def tokens_of(self, server):
        return {headers.get("Authorization") for _, _, headers in server.requests(method="*")}

    def test_the_token_goes_to_the_endpoint_and_to_nobody_else(self):
        with FaultServer({GPT2: self.files}) as other:
            for base, elsewhere in [(other.address, other),
                                    (f"http://localhost:{self.server.port}", self.server)]:
                with self.subTest(base):
                    shutil.rmtree(self.cache, ignore_errors=True)
                    self.server.redirect_content_to(base)
                    done = self.pull("gpt2", env={"HF_TOKEN": f" {TOKEN}\n"})
                    self.assertNotIn(TOKEN, done.stdout + done.stderr)
                    self.assert_whole()
                    for _, _, headers in elsewhere.requests("/content/"):
                        self.assertNotIn("Authorization", headers)
            self.assertEqual(self.tokens_of(other), {None})
        own = [headers.get("Authorization") for _, path, headers in
               self.server.requests(method="*") if "/content/" not in path]
        self.assertEqual(set(own), {f"Bearer {TOKEN}"})
        self.assertEqual(len(self.content_requests()), 1, "the one by way of localhost")

    def test_the_token_comes_from_a_file_too_and_can_be_held_back(self):
        (self.folder / "hf").mkdir()
        (self.folder / "hf" / "token").write_text(TOKEN + "\n")
        self.pull("gpt2")
        self.assertEqual(self.tokens_of(self.server), {f"Bearer {TOKEN}"})
        (self.folder / "other").write_text("hf_other")
        self.pull("gpt2", env={"HF_TOKEN_PATH": str(self.folder / "other")})
        self.assertIn("Bearer hf_other", self.tokens_of(self.server))
        self.server.http.requests.clear()
        self.pull("gpt2", env={"HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"})
        self.assertEqual(self.tokens_of(self.server), {None})

    def test_a_token_that_would_break_a_header_is_refused_and_not_shown(self):
        done = self.fails(2, "gpt2", env={"HF_TOKEN": TOKEN + " x: y"}, says=["token"])
        self.assertNotIn("x: y", done.stderr)
        self.assertEqual(self.server.requests(method="*"), [])


class Encryption(PullTest):
    def setUp(self):
        super().setUp()
        self.certificate = self.folder / "certificate.pem"
        made = subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
             "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem",
             "-out", "certificate.pem"], cwd=self.folder, capture_output=True, check=False)
        self.assertEqual(made.returncode, 0, made.stderr)
        both = self.folder / "both.pem"
        both.write_bytes((self.folder / "key.pem").read_bytes() + self.certificate.read_bytes())
        self.secure = FaultServer({GPT2: self.files}, both)
        self.secure.__enter__()
        self.addCleanup(self.secure.__exit__)
        self.env["HF_ENDPOINT"] = self.secure.address

    def test_https_with_a_trusted_certificate(self):
        self.pull("gpt2", env={"SSL_CERT_FILE": str(self.certificate)})
        self.assert_whole()

    def test_a_certificate_that_is_not_trusted_is_refused_at_once(self):
        self.fails(69, "gpt2", says=["certificate"], env={"HF_TOKEN": TOKEN})
        self.assertEqual(self.secure.requests(method="*"), [])

    def test_a_redirect_to_http_is_refused(self):
        self.secure.redirect_content_to(self.server.address)
        self.fails(69, "gpt2", says=["not encrypted"], env={"SSL_CERT_FILE": str(self.certificate)})
        self.assertEqual(self.server.requests(method="*"), [])
        self.assert_nothing_is_named()


class Machines(PullTest):
    def test_processes_at_once_download_each_file_once(self):
        def slowly(handler):
            time.sleep(0.5)
            return False
        self.server.add_rule("/content/", slowly)
        command, environment = self.command("pull", "gpt2")
        processes = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, text=True, cwd=self.folder)
                     for _ in range(4)]
        outputs = [process.communicate(timeout=100) for process in processes]
        for process, (_, error) in zip(processes, outputs):
            self.assertEqual(process.returncode, 0, error)
        self.assert_whole()
        self.assertEqual(len(self.content_requests()), 1)
        self.assertIn("waiting for another process", "".join(error for _, error in outputs))

    def test_offline_opens_no_connection(self):
        prefix = ["unshare", "-n"]
        if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode != 0:
            prefix = []
        for value in ["1", "true", "YES", "on"]:
            self.fails(69, "gpt2", env={"HF_HUB_OFFLINE": value}, prefix=prefix,
                       says=["HF_HUB_OFFLINE"])
        self.assertEqual(self.server.requests(method="*"), [])
        self.pull("gpt2", env={"HF_HUB_OFFLINE": "0"})
        self.assertEqual(self.run_raw("info", "gpt2", env={"HF_HUB_OFFLINE": "1"},
                                      prefix=prefix).returncode, 0)

    def as_nobody(self):
        """Options to run as a user who may write nothing here."""
        if os.geteuid() != 0:
            return {}
        options = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        try:
            works = subprocess.run([PATCHBAY, "--version"], capture_output=True, check=False,
                                   **options).returncode == 0
        except OSError:
            works = False
        if not works:
            self.skipTest("the user nobody cannot run the command")
        return options

    def test_a_cache_that_is_read_only_is_73_unless_all_is_there(self):
        nobody = self.as_nobody()
        self.cache.mkdir(parents=True)
        self.cache.chmod(0o555)
        self.fails(73, "gpt2", says=["HF_HUB_CACHE"], **nobody)
        self.cache.chmod(0o755)
        self.pull("gpt2")
        if nobody:
            self.assertIn("everything was there", self.pull("gpt2", **nobody).stderr)

    def test_a_disk_without_room_is_asked_first(self):
        mount = ["unshare", "-m", "sh", "-c",
                 f'mount -t tmpfs -o size=64k none "{self.folder}/small" && exec "$@"', "sh"]
        (self.folder / "small").mkdir()
        if subprocess.run([*mount, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("no small disk can be mounted")
        self.files["model.safetensors"] += bytes(100_000)
        self.fails(74, "gpt2", prefix=mount, env={"HF_HUB_CACHE": f"{self.folder}/small/hub"},
                   says=["bytes more", "free"])
        self.assertEqual(self.server.requests("/resolve/"), [], "before anything is fetched")

    def test_a_disk_that_fills_up_midway_is_74_and_keeps_the_part(self):
        # The system's limit on a file's size: the disk was large enough when it was asked.
        limit = ["bash", "-c", "trap '' XFSZ; ulimit -f 8; exec \"$@\"", "bash"]
        self.fails(74, "gpt2", prefix=limit, says=[".incomplete", "free some space"])
        self.assertEqual(self.partial().stat().st_size, 8 * 1024)
        self.assert_nothing_is_named()
        self.pull("gpt2")
        self.assert_whole()


class Verify(PullTest):
    def test_damage_is_found(self):
        self.pull("gpt2")
        blob = self.blob("tokenizer.json")
        content = blob.read_bytes()
        blob.write_bytes(content[:-2] + b" " + content[-1:])
        done = self.run_raw("verify", "gpt2", "--json")
        self.assertEqual(done.returncode, 1)
        bad = [check for check in json.loads(done.stdout)["files"] if check["result"] == "BAD"]
        self.assertEqual([check["file"] for check in bad], ["tokenizer.json"])
        self.assertEqual(bad[0]["found"], git_sha1(blob.read_bytes()))
        self.assertIn(f"remove {blob} and pull again", self.run_raw("verify", "gpt2").stdout)
        blob.unlink()
        self.assertEqual(self.run_raw("verify", "gpt2").returncode, 1)
        self.pull("gpt2")
        self.assert_whole()
        weights = self.blob("model.safetensors")
        weights.write_bytes(weights.read_bytes()[:-4])
        done = json.loads(self.run_raw("verify", "gpt2", "--json").stdout)
        self.assertIn("model.safetensors", done["structure_problem"])

    def test_names_without_a_model_are_66(self):
        self.fails(66, "gpt2-medum", verb="verify", says=['did you mean "gpt2-medium"?'])
        self.fails(66, "smollm2-135m", verb="verify", says=["HuggingFaceTB/SmolLM2-135M",
                                                             "patchbay model pull smollm2-135m"])


if __name__ == "__main__":
    PATCHBAY = str(pathlib.Path(sys.argv[1]).resolve())
    REPOSITORY = pathlib.Path(sys.argv[2]).resolve()
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=1)
