"""What scripts leave out on other distributions: python3 scripts_test.py REPOSITORY"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

REPOSITORY = pathlib.Path()


class ScriptsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)


class Format(ScriptsTest):
    def check(self, version):
        """scripts/check.sh where clang-format has that version and finds every file wrong, and where
        there is nothing to build."""
        stubs = {"clang-format": f'if [ "$1" = --version ]; then echo "clang-format version {version}"; '
                                 'else echo wrong; exit 1; fi',
                 "git": "echo a.cpp", "cmake": "exit 0", "ctest": "exit 0"}
        for name, body in stubs.items():
            (self.folder / name).write_text(f"#!/bin/sh\n{body}\n")
            (self.folder / name).chmod(0o755)
        env = {"PATH": f"{self.folder}:{os.environ['PATH']}"}
        return subprocess.run(["bash", str(REPOSITORY / "scripts" / "check.sh")], env=env, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)

    def test_is_checked_with_the_version_that_made_it(self):
        done = self.check("14.0.6")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("wrong", done.stdout)

    def test_is_left_out_with_another_version_and_that_is_said(self):
        for version in ["18.1.3", "19.1.7 (Debian 14.2.0)", "114.0.0"]:
            with self.subTest(version):
                done = self.check(version)
                self.assertEqual(done.returncode, 0, done.stdout)
                self.assertIn("left out: the code is formatted with clang-format 14; here is "
                              f"clang-format version {version}", done.stdout)


class Definitions(ScriptsTest):
    def check(self, first, second):
        (self.folder / "patchbay").mkdir()
        (self.folder / "patchbay" / "a.h").write_text(first)
        (self.folder / "patchbay" / "b.cpp").write_text(second)
        return subprocess.run([sys.executable, str(REPOSITORY / "scripts" / "check_definitions.py"), str(self.folder)],
                              capture_output=True, text=True, check=False)

    def test_of_one_name_in_two_files_are_told(self):
        done = self.check("namespace patchbay {\nclass Rows {\n};\n}  // namespace patchbay\n",
                          "namespace patchbay {\nstruct Rows : Base<int> {\n};\n}  // namespace patchbay\n")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout, "patchbay::Rows is defined in patchbay/a.h and in patchbay/b.cpp; "
                                      "give one another name\n")

    def test_of_other_namespaces_or_of_a_file_alone_are_others(self):
        done = self.check("namespace patchbay {\nclass Rows;\nstruct Rows {\n};\n}  // namespace patchbay\n",
                          "namespace patchbay {\nnamespace {\nstruct Rows {\n};\n}  // namespace\n"
                          "struct Rows::Own {\n};\n}  // namespace patchbay\n"
                          "namespace patchbay::hub {\nstruct Rows {\n};\n}  // namespace patchbay::hub\n")
        self.assertEqual(done.stdout, "2 classes are defined once\n")
        self.assertEqual(done.returncode, 0)


class UnicodeTables(ScriptsTest):
    def check(self, version):
        """--check against a database of three characters."""
        (self.folder / "PropList.txt").write_text(
            f"# PropList-{version}.txt\n0020 ; White_Space # Zs SPACE\n")
        (self.folder / "UnicodeData.txt").write_text(
            "0020;SPACE;Zs\n0031;DIGIT ONE;Nd\n0041;LATIN CAPITAL LETTER A;Lu\n")
        (self.folder / "DerivedAge.txt").write_text("")
        return subprocess.run(
            [sys.executable, str(REPOSITORY / "scripts" / "generate_unicode_tables.py"), "--check",
             "--ucd", str(self.folder)], capture_output=True, text=True, check=False)

    def tables_version(self):
        head = (REPOSITORY / "patchbay" / "text" / "unicode_tables.cpp").read_text().split("\n", 1)[0]
        return head.split("Unicode ")[1].split(". ")[0]

    def test_are_compared_with_a_database_of_their_version(self):
        done = self.check(self.tables_version())
        self.assertEqual(done.returncode, 1)
        self.assertIn("unicode_tables.cpp is out of date", done.stderr)

    def test_are_left_out_with_another_version_and_that_is_said(self):
        for version in ["16.0.0", "5.0.0"]:
            with self.subTest(version):
                done = self.check(version)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("left out", done.stdout)
                self.assertIn(version, done.stdout)


if __name__ == "__main__":
    REPOSITORY = pathlib.Path(sys.argv[1]).resolve()
    unittest.main(argv=sys.argv[:1])
