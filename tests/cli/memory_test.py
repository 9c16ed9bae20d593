"""What the line about memory promises, beside what the kernel saw: python3 memory_test.py PATCHBAY REPOSITORY"""

import os
import re
import subprocess
import sys
import unittest

from cli_testing import CommandTest

# Pages of the program's and of the model's file are resident as the machine happens to map them: when the first
# sweep is planned more or fewer of them are there than at the end. On one machine a cold page cache alone makes 5 MiB.
OF_FILES = 8 << 20

SWEEP = ("run", "activation_patching", "--task", "ioi")
PLACES = ("--positions", "IO,S1,S2,END")
COMMANDS = [
    (*SWEEP, "--prompts", "20"),
    (*SWEEP, "--prompts", "100"),
    (*SWEEP, "--prompts", "500"),
    (*SWEEP, "--prompts", "500", "--threads", "1", "--max-memory", "32M"),
    (*SWEEP, "--prompts", "500", "--threads", "1", "--max-memory", "64M"),
    (*SWEEP, "--prompts", "500", "--threads", "1", "--max-memory", "128M"),
    (*SWEEP, "--prompts", "100", "--source", "mean", "--threads", "1"),
    (*SWEEP, "--prompts", "300", "--source", "mean_by_template", "--site", "result"),
    (*SWEEP, "--prompts", "100", "--metric", "next_token_loss"),
    (*SWEEP, "--prompts", "50", "--site", "result"),
    (*SWEEP, "--prompts", "50", "--site", "mlp_post", *PLACES),
    ("run", "causal_tracing", "--task", "ioi", "--prompts", "100", *PLACES),
    ("run", "path_patching", "--task", "ioi", "--prompts", "100"),
    ("study", "figure_3b", "--out", "figure_3b"),
    ("study", "ioi_lab", "--out", "ioi_lab"),
    ("study", "ioi_paper", "--out", "ioi_paper"),
]


class MemoryTest(CommandTest):
    def peak(self, *args):
        """Bytes, and what standard error says."""
        with open(self.folder / "messages", "w+b") as messages:
            process = subprocess.Popen([self.patchbay, *args], stdout=subprocess.DEVNULL, stderr=messages,
                                       cwd=self.folder, env=self.env)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            messages.seek(0)
            said = messages.read().decode()
        self.assertEqual(process.returncode, 0, said)
        return usage.ru_maxrss * 1024, said

    def within(self, args):
        # Each thread has memory of its own, which the plan leaves out: a machine's number is not the test's.
        used, said = self.peak(*args, *([] if "--threads" in args else ["--threads", "2"]))
        planned = [int(number.replace(",", "")) << 20 for number in re.findall(r"memory: about ([\d,]+) MiB", said)]
        self.assertTrue(planned, said)
        # One question's groups of prompts are alike, so what the first one plans is what the last one takes: a line
        # that is said again would hide that memory grows from group to group. Steps of a study differ.
        plan = max(planned) if args[0] == "study" else planned[0]
        measured = f"{plan >> 20:6} MiB planned {used >> 20:6} used {used / plan - 1:+7.1%}  patchbay {' '.join(args)}"
        print(measured)
        self.assertLess(abs(used - plan), 0.15 * plan + OF_FILES, measured)

    def test_the_most_that_is_resident_is_within_15_percent_of_the_plan(self):
        for args in COMMANDS:
            with self.subTest(args=args):
                self.within(args)

    @unittest.skipUnless(os.environ.get("PATCHBAY_SMOLLM2_GGUF"), "PATCHBAY_SMOLLM2_GGUF names no file")
    def test_so_it_is_on_a_real_model(self):
        model = ("--model", os.environ["PATCHBAY_SMOLLM2_GGUF"])
        for more in [(), ("--max-memory", "64M")]:
            with self.subTest(more=more):
                self.within((*SWEEP, "--prompts", "10", "--site", "resid_pre", "--axes", "layer", *model, *more))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
