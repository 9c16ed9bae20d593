"""`patchbay model pull`, `list` and `verify` with a hub that behaves.

python3 pull_test.py PATCHBAY REPOSITORY

Nothing leaves this machine: the hub is fault_server.py on 127.0.0.1.
"""

import json
import os
import pty
import shlex
import shutil
import subprocess
import time

from fault_server import COMMIT, FaultServer, etag_of, git_sha1
from pull_testing import FILES, GPT2, SETUP, TOKEN, PullTest, main

NOBODY = 65534


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

    def on_terminal(self, *args, **env):
        """What a terminal gets on standard error."""
        controller, terminal = pty.openpty()
        command, environment = self.command("pull", *args, TERM="xterm", **env)
        with subprocess.Popen(command, env=environment, cwd=self.folder, stderr=terminal,
                              stdout=subprocess.DEVNULL) as process:
            os.close(terminal)
            seen = b""
            try:
                while piece := os.read(controller, 65536):
                    seen += piece
            except OSError:  # the other end is closed
                pass
        os.close(controller)
        return process.returncode, seen.decode().replace("\r\n", "\n")

    def test_a_terminal_shows_one_line_that_is_gone_at_the_end(self):
        code, seen = self.on_terminal("gpt2")
        self.assertEqual(code, 0)
        self.assertIn("\rmodel.safetensors: 100% of 0.2 MB\x1b[K", seen)
        self.assertRegex(seen, r"\r\x1b\[K[^\r\n]*3 of 3 files downloaded[^\r\n]*\n$")
        self.assertEqual(self.on_terminal("gpt2", "--quiet"), (0, ""))
        shutil.rmtree(self.cache)
        self.server.add_rule("/content/", lambda handler: handler.answer(403), skip=0)
        code, seen = self.on_terminal("gpt2")
        self.assertEqual(code, 69)
        self.assertRegex(seen, r"\r\x1b\[Kerror: \[hub\] [^\r\n]*\n$")

    def test_other_standard_errors_get_a_line_a_file(self):
        lines = self.pull("gpt2").stderr.splitlines()
        self.assertEqual([line.split(":")[0] for line in lines],
                         ["config.json", "tokenizer.json", "model.safetensors", f"{GPT2} at {COMMIT}"])

    def test_a_blob_that_is_there_is_linked_and_not_fetched(self):
        blob = self.blob("model.safetensors")
        blob.parent.mkdir(parents=True)
        blob.write_bytes(self.files["model.safetensors"])
        self.pull("gpt2")
        self.assert_whole()
        self.assertEqual(self.content_requests(), [])


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
            works = subprocess.run([SETUP.patchbay, "--version"], capture_output=True, check=False,
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
    main()
