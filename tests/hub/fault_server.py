"""A small Hugging Face hub on 127.0.0.1 that can misbehave on purpose.

It serves repositories from memory as the hub does: the API's list of files, `resolve` addresses
that announce size and digest and redirect to where the content is, and a content server with ranges.
A test adds rules that take over chosen requests. The server ends by itself after a number of
seconds and refuses after a number of requests, so that nothing of a test can stay behind.
"""

import hashlib
import http.server
import json
import re
import ssl
import threading
import time
import urllib.parse

COMMIT = "0123456789abcdef0123456789abcdef01234567"
MOST_REQUESTS = 2000
MOST_SECONDS = 240


def git_sha1(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def is_large(name):
    return name.endswith((".safetensors", ".bin"))


def etag_of(name, content):
    return sha256(content) if is_large(name) else git_sha1(content)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.serve()

    def do_GET(self):
        self.serve()

    def serve(self):
        self.path, _, self.query = self.path.partition("?")
        server = self.server
        with server.lock:
            server.requests.append((self.command, self.path, dict(self.headers.items())))
            allowed = len(server.requests) <= MOST_REQUESTS
        if not allowed:
            return self.answer(410)
        try:
            for rule in list(server.rules):
                if rule.matches(self) and rule.action(self) is not False:
                    return None
            return self.serve_as_the_hub_does()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
            return None

    def answer(self, status, content=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def cut(self):
        """Ends the connection here and now."""
        self.wfile.flush()
        self.close_connection = True

    def serve_as_the_hub_does(self):
        server = self.server
        if match := re.fullmatch(r"/api/models/(.+)/revision/([^/]+)", self.path):
            repository, revision = match[1], urllib.parse.unquote(match[2])
            if repository not in server.repositories:
                return self.answer(401, X_Error_Code="RepoNotFound",
                                   X_Error_Message="Invalid username or password.")
            if revision not in ("main", "v1", COMMIT):
                return self.answer(404, X_Error_Code="RevisionNotFound")
            files = server.repositories[repository]
            return self.answer(200, json.dumps({
                "id": repository, "sha": COMMIT, "siblings": [
                    {"rfilename": name, "size": len(content)}
                    for name, content in files.items()]}).encode())
        if match := re.fullmatch(r"/(.+)/resolve/([^/]+)/(.+)", self.path):
            content = server.repositories.get(match[1], {}).get(match[3])
            if content is None:
                return self.answer(404, X_Error_Code="EntryNotFound")
            return self.resolve(match[1], match[3], content)
        if match := re.fullmatch(r"/api/resolve-cache/models/(.+)/" + COMMIT + "/(.+)", self.path):
            content = server.repositories[match[1]][match[2]]
            return self.send_content(content, f'"{git_sha1(content)}"', X_Repo_Commit=COMMIT)
        if match := re.fullmatch(r"/content/([0-9a-f]{64})", self.path):
            for files in server.repositories.values():
                for content in files.values():
                    if sha256(content) == match[1]:
                        md5 = hashlib.md5(content).hexdigest()
                        return self.send_content(content, f'"{md5}"')
        return self.answer(404)

    def resolve(self, repository, name, content):
        if is_large(name):
            return self.answer(
                302, b"Found", X_Repo_Commit=COMMIT, X_Linked_Etag=f'"{sha256(content)}"',
                X_Linked_Size=len(content),
                Location=f"{self.server.content_base}/content/{sha256(content)}?Signature=secret")
        if name == "config.json":
            return self.send_content(content, f'"{git_sha1(content)}"', X_Repo_Commit=COMMIT)
        return self.answer(307, X_Repo_Commit=COMMIT,
                           Location=f"/api/resolve-cache/models/{repository}/{COMMIT}/{name}")

    def send_content(self, content, etag, **headers):
        begin = 0
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if wanted and self.headers.get("If-Range", etag) == etag:
            begin = int(wanted[1])
            if begin >= len(content):
                return self.answer(416, Content_Range=f"bytes */{len(content)}")
            headers["Content_Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
        return self.answer(206 if begin else 200, content[begin:], ETag=etag, **headers)


class Rule:
    """Takes over requests whose path has `part` in it: the first `times` of them after `skip`."""

    def __init__(self, part, action, method="GET", skip=0, times=10**9):
        self.part, self.action, self.method = part, action, method
        self.skip, self.times = skip, times
        self.lock = threading.Lock()

    def matches(self, handler):
        if self.part not in handler.path or self.method not in ("*", handler.command):
            return False
        with self.lock:
            if self.skip > 0:
                self.skip -= 1
                return False
            self.times -= 1
            return self.times >= 0


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Connections that a client ends are what the tests are about."""


class FaultServer:
    """`with FaultServer({"org/name": {"config.json": b"…"}}) as server:`

    With `certificate`, a file that holds a certificate and its key, it speaks https.
    """

    def __init__(self, repositories, certificate=None):
        self.http = Server(("127.0.0.1", 0), Handler)
        self.http.repositories = repositories
        self.http.rules = []
        self.http.requests = []
        self.http.lock = threading.Lock()
        self.port = self.http.server_address[1]
        self.address = f"http://127.0.0.1:{self.port}"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.http.socket = context.wrap_socket(
                self.http.socket, server_side=True, do_handshake_on_connect=False)
            self.address = f"https://127.0.0.1:{self.port}"
        self.http.content_base = self.address  # as on the hub, a whole address
        self.timer = threading.Timer(MOST_SECONDS, self.http.shutdown)
        self.timer.daemon = True
        self.thread = threading.Thread(target=self.http.serve_forever, args=[0.02], daemon=True)

    def __enter__(self):
        self.timer.start()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.timer.cancel()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

    def add_rule(self, part, action, **options):
        self.http.rules.append(Rule(part, action, **options))

    def redirect_content_to(self, base):
        self.http.content_base = base

    def requests(self, part="", method="GET"):
        """The (method, path, headers) that came so far."""
        with self.http.lock:
            return [request for request in self.http.requests
                    if part in request[1] and method in ("*", request[0])]


def main():
    """Serves a folder as org/name until its time is over, for a look by hand."""
    import pathlib
    import sys
    folder = pathlib.Path(sys.argv[1])
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    with FaultServer({"org/name": files, "openai-community/gpt2": files}) as server:
        print(server.address, flush=True)
        time.sleep(MOST_SECONDS)


if __name__ == "__main__":
    main()
