"""What bench/peers/compare.py says of measurements: python3 compare_test.py REPOSITORY"""

import contextlib
import importlib.util
import io
import pathlib
import sys
import tempfile
import unittest

REPOSITORY = pathlib.Path()
WEIGHTS = 475.0


def compare():
    path = REPOSITORY / "bench" / "peers" / "compare.py"
    spec = importlib.util.spec_from_file_location("compare", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def turn(**changes):
    """A turn of patchbay that keeps every bound, just."""
    return {"target": "AVX2", "load": 1.5, "load_megabytes": WEIGHTS * 2.2 + 200, "one_last": 0.036,
            "one_all": 0.045, "ten_last": 0.052, "ten_all": 0.074, "one_thread_peak": [100, 100],
            "two_thread_peak": [180, 180], "peak_megabytes": 2000, **changes}


PEER = {"one_last": 0.1, "one_all": 0.1, "ten_last": 0.1, "ten_all": 0.1, "difference": 1e-5}


class Bounds(unittest.TestCase):
    def setUp(self):
        self.compare = compare()

    def report(self, threads, mine, peer=PEER):
        lines, missed = self.compare.report(threads, [mine] * 3, [peer] * 3, WEIGHTS)
        return "\n".join(lines), missed

    def test_what_is_within_every_bound_is_met(self):
        for threads in (1, 2):
            text, missed = self.report(threads, turn())
            self.assertEqual(missed, [])
            self.assertEqual((text.count("  met"), text.count("missed")), (6, 0), text)
            self.assertIn("bound", text)

    def test_every_bound_is_judged(self):
        for key, value, what in [
                ("one_last", 0.037, "1 x 14, last-token logits"), ("one_all", 0.046, "1 x 14, all"),
                ("ten_last", 0.053, "10 x 14, last-token logits"), ("ten_all", 0.075, "10 x 14, all"),
                ("load", 1.51, "loading"), ("load_megabytes", WEIGHTS * 2.2 + 201, "memory")]:
            with self.subTest(key):
                text, missed = self.report(1, turn(**{key: value}))
                self.assertEqual(len(missed), 1, text)
                self.assertIn(what, missed[0])
                self.assertEqual((text.count("  met"), text.count("  missed")), (5, 1), text)

    def test_bounds_are_lower_with_avx512(self):
        text, missed = self.report(1, turn(target="AVX3_ZEN4"))
        self.assertEqual(missed, ["1 x 14, last-token logits on 1 thread(s)",
                                  "1 x 14, all logits on 1 thread(s)"], text)
        self.assertEqual(self.report(1, turn(target="AVX3", one_last=0.03, one_all=0.036))[1], [])

    def test_times_on_a_poor_second_core_do_not_count_but_memory_does(self):
        slow = turn(one_last=1.0, load=9.0, two_thread_peak=[179, 179])
        text, missed = self.report(2, slow)
        self.assertEqual(missed, [])
        self.assertIn("these times do not count", text)
        self.assertEqual(text.count("missed (does not count)"), 2, text)
        self.assertEqual(len(self.report(1, slow)[1]), 2, "on one thread they do")
        self.assertEqual(self.report(2, {**slow, "load_megabytes": 5000})[1],
                         ["memory on 2 thread(s)"])

    def test_other_logits_are_missed(self):
        for difference in (1e-3, float("nan")):
            self.assertEqual(self.report(1, turn(), {**PEER, "difference": difference})[1],
                             ["the same logits on 1 thread(s)"])

    def test_what_is_missed_is_the_exit_code(self):
        module = self.compare
        module.environment = lambda folder: sys.executable
        for load, code in [(1.0, None), (2.0, "missed: loading on 1 thread(s)")]:
            module.run = lambda command, threads, load=load: (
                turn(load=load) if command[0] == "timing" else PEER)
            with self.subTest(load):
                ended = self.main("--timing", "timing", "--threads", "1")
                self.assertEqual(ended and ended.strip(), code)

    def main(self, *args):
        """What main exits with; None where it returns."""
        with tempfile.TemporaryDirectory() as folder:
            model = pathlib.Path(folder) / "gpt2-small-made-up" / "model.safetensors"
            model.parent.mkdir()
            with model.open("wb") as file:
                file.truncate(int(WEIGHTS) << 20)  # without its bytes
            before, sys.argv = sys.argv, ["compare.py", "--folder", folder, *args]
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    self.compare.main()
            except SystemExit as end:
                return end.code
            finally:
                sys.argv = before
        return None


if __name__ == "__main__":
    REPOSITORY = pathlib.Path(sys.argv[1]).resolve()
    unittest.main(argv=sys.argv[:1])
