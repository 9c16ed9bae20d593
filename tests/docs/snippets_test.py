"""Compiles the C++ of the documentation: python3 snippets_test.py REPOSITORY COMPILER [FLAGS...]

Every ```cpp block of README.md and docs/*.md must compile on its own, and include the standard headers
of what it uses: patchbay's headers may stop including them. One without a main is the body of a
function.
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

REPOSITORY = pathlib.Path()
COMPILE = []
# Where the standard's names come from; a name that a page newly uses is added here.
HEADERS = {"ranges": "algorithm", "vector": "vector", "string": "string", "size_t": "cstddef"}


def snippets():
    """(where, code) of every block: "README.md:66"."""
    for page in [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]:
        text = page.read_text(encoding="utf-8")
        for block in re.finditer(r"^```cpp\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            line = text.count("\n", 0, block.start()) + 2
            yield f"{page.relative_to(REPOSITORY)}:{line}", block[1]


def program(where, code):
    """A source file whose messages name the page and its lines."""
    page, line = where.rsplit(":", 1)
    lines = code.splitlines()
    if not re.search(r"\bint main\(", code):
        body = max((i + 1 for i, text in enumerate(lines) if text.startswith("#include")), default=0)
        lines[body:] = ["[[maybe_unused]] static void snippet() {",
                        f'#line {int(line) + body} "{page}"', *lines[body:], "}"]
    return "\n".join([f'#line {line} "{page}"', *lines, ""])


class Snippets(unittest.TestCase):
    def compile(self, source):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "snippet.cpp"
            path.write_text(source, encoding="utf-8")
            return subprocess.run([*COMPILE, "-fsyntax-only", str(path)], capture_output=True,
                                  text=True, check=False)

    def test_every_block_compiles(self):
        found = dict(snippets())
        self.assertGreaterEqual(len(found), 2)
        self.assertTrue(any(where.startswith("README.md") for where in found))
        for where, code in found.items():
            with self.subTest(where):
                done = self.compile(program(where, code))
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_every_block_includes_the_standard_headers_that_it_uses(self):
        for where, code in snippets():
            for name in re.findall(r"\bstd::(\w+)", code):
                self.assertIn(name, HEADERS, where)
                self.assertIn(f"#include <{HEADERS[name]}>\n", code, where)

    def test_every_block_is_found(self):
        for page in [REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md")]:
            name = str(page.relative_to(REPOSITORY))
            fences = re.findall(r"^\s*```\s*(?:cpp|c\+\+|cc|cxx)\b", page.read_text(encoding="utf-8"),
                                re.MULTILINE | re.IGNORECASE)
            self.assertEqual(len(fences), sum(w.startswith(name + ":") for w, _ in snippets()), name)

    def test_a_block_that_is_wrong_is_named(self):
        done = self.compile(program("README.md:66", "#include <vector>\n\nstd::vector<int> x = 1;\n"))
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, r"README\.md:68:.*error")


if __name__ == "__main__":
    REPOSITORY = pathlib.Path(sys.argv[1]).resolve()
    COMPILE = sys.argv[2:]
    unittest.main(argv=sys.argv[:1])
