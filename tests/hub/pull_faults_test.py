"""`patchbay model pull` with a hub that misbehaves.

python3 pull_faults_test.py PATCHBAY REPOSITORY

Nothing leaves this machine: the hub is fault_server.py on 127.0.0.1.
"""

import json
import shutil
import signal
import subprocess
import time

from fault_server import COMMIT, FaultServer, sha256
from pull_testing import FILES, GPT2, PullTest, main


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


class Interruptions(PullTest):
    def test_cut_connections_are_continued_where_they_stopped(self):
        self.server.add_rule("/content/", cut_after(1000), times=3)
        self.pull("gpt2")
        self.assert_whole()
        ranges = [headers.get("Range") for _, _, headers in self.content_requests()]
        self.assertEqual(ranges, [None, "bytes=1000-", "bytes=2000-", "bytes=3000-"])
        self.assertTrue(all("If-Range" in headers
                            for _, _, headers in self.content_requests()[1:]))

    def test_many_cuts_are_survived_as_long_as_much_arrives(self):
        self.files["model.safetensors"] += bytes(12 << 20)
        self.server.add_rule("/content/", cut_after(3 << 19), times=8)
        self.pull("gpt2")
        self.assert_whole()
        self.assertEqual(len(self.content_requests()), 9)

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
        self.assertIn("another part", self.pull("gpt2").stderr)
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
                self.fails(69, "gpt2", says=["not an http or https address"])

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


if __name__ == "__main__":
    main()
