"""System calls that fail: python3 inject_test.py PATCHBAY REPOSITORY [--every N]

A small study is run under strace, which lets one call of one kind fail: the N-th write, fsync, rename, openat or mmap
(and what else changes files), with ENOSPC, EIO or EINTR, for every N that a run comes to. Whatever fails, the command
must end in order (0 or an exit code of its own; 127 is the system's loader, before the program is there) with one line,
and every result file that is there must have the bytes of an undisturbed run; called again, it must end with all of
them. --every 25 does this for every 25th call alone.
"""

import argparse
import collections
import pathlib
import re
import shutil
import sys
import tempfile

import faults_testing as faults

CALLS = ["write", "pwrite64", "fsync", "rename", "openat", "mmap", "ftruncate", "mkdir", "unlink", "linkat", "read", "pread64"]
ERRORS = ["ENOSPC", "EIO", "EINTR"]
LOADER = 127  # the system's loader is hit before the program is there
IN_ORDER = {0, 65, 66, 73, 74, 78, LOADER}


def counts(command, folder):
    """How often each kind of call is made by the main thread."""
    log = folder / "calls.log"
    done = faults.run(["strace", "-o", str(log), "-e", "trace=" + ",".join(CALLS), *command], folder)
    assert done.returncode == 0, done.stderr.decode()
    return collections.Counter(re.findall(r"^(\w+)\(", log.read_text(errors="replace"), re.MULTILINE))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("patchbay", type=pathlib.Path)
    parser.add_argument("repository")
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    if not faults.has_strace():
        sys.exit("strace is missing; scripts/setup.sh --dev installs it")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="patchbay-inject-"))
    study = [str(options.patchbay.resolve()), *faults.write_study(folder, "0-1")]
    # One fault may hit a study that goes on, too: half of the runs begin with finished rows.
    whole_run = faults.run([*study, "--out", "whole"], folder)
    assert whole_run.returncode == 0, whole_run.stderr.decode()
    whole = faults.contents(folder / "whole")
    found = counts([*study, "--out", "counted"], folder)
    problems, runs, codes = [], 0, collections.Counter()
    number = 0
    for call in CALLS:
        for when in range(1, found[call] + 1):
            for error in ERRORS:
                number += 1
                if number % options.every:
                    continue
                out = folder / "out"
                shutil.rmtree(out, ignore_errors=True)
                injected = ["strace", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={when}"]
                done = faults.run([*injected, *study, "--out", "out"], folder)
                runs += 1
                if done.returncode < 0 and faults.run([*injected, "true"], folder).returncode == done.returncode:
                    done.returncode = LOADER  # glibc's loader dies of its first mmap, whatever the program
                what = f"{error} of {call} {when} of {found[call]}"
                codes[done.returncode] += 1
                said = done.stderr.decode(errors="replace")
                if done.returncode not in IN_ORDER:
                    problems.append(f"{what}: exit code {done.returncode}: {said}")
                if done.returncode not in (0, LOADER) and not (said.startswith("error: ") and said.count("\n") == 1):
                    problems.append(f"{what}: not one line: {said!r}")
                for name, data in faults.contents(out).items():
                    if whole.get(name) != data:
                        problems.append(f"{what}: {name} is damaged")
                again = faults.run([*study, "--out", "out"], folder)
                if again.returncode != 0 or faults.contents(out) != whole:
                    problems.append(f"{what}: called again, it ends with {again.returncode} and other files: {again.stderr.decode()}")
                if faults.leftovers(out):
                    problems.append(f"{what}: left behind: {faults.leftovers(out)}")
    shutil.rmtree(folder)
    print("\n".join(problems[:40]))
    print(f"{runs} runs with one failing call each of {', '.join(f'{found[c]} {c}' for c in CALLS)}; exit codes "
          f"{dict(sorted(codes.items()))}; {len(problems)} problems")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
