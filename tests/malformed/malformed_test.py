"""Every malformed file is refused: python3 malformed_test.py PATCHBAY REPOSITORY [--each N] [--seed N] [--list]

Each of the files of malformed_files.py and formats/ is given to the command twice: the exit code must be one of its class, the
message one line that names the file and the place, the same both times; nothing may be written. In a build without
sanitizers a refusal takes at most 0.1 s of processor time and 64 MiB.
"""

import argparse
import os
import pathlib
import re
import resource
import shutil
import sys
import tempfile

import malformed_files

SECONDS, MEGABYTES = 0.1, 64


def refused(patchbay, arguments, folder, env):
    """The exit code, what was said, and what it cost."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(write, 1)
        os.dup2(write, 2)
        os.chdir(folder)
        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
        os.execve(patchbay, [str(patchbay), *arguments], env)
    os.close(write)
    with os.fdopen(read, "rb") as said:
        text = said.read()
    _, status, usage = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return code, text.decode(errors="backslashreplace"), usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def names_of(files):
    """The files as a message may name them: whole checkpoints and sets of shards by their folder."""
    return {f"/{name}" for name in files} | {f"/{str(pathlib.Path(name).parent)}: " for name in files} | {"/runs/shard-", "/runs: "}


def names_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def problems_of(patchbay, case, sanitized, env):
    """What is wrong with how a case was refused, in words; and its cost."""
    _, _, codes, place, command, files = case
    folder = pathlib.Path(tempfile.mkdtemp(prefix="patchbay-malformed-"))
    try:
        for name, data in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        before = names_in(folder)
        arguments = [argument.replace("{}", str(folder)) for argument in command]
        runs = [refused(patchbay, arguments, folder, env) for _ in range(2)]
        code, text, _, _ = runs[0]
        seconds, megabytes = min(run[2] for run in runs), max(run[3] for run in runs)
        wrong = []
        if code not in codes:
            wrong.append(f"exit code {code}, not {codes}")
        if not (text.startswith("error: ") and text.count("\n") == 1 and text.endswith("\n")):
            wrong.append("not one line")
        if code != 66 and not any(name in text for name in names_of(files)):
            wrong.append("names no file")  # 66 names the file that is not there: the class's place
        if not re.search(place, text):
            wrong.append(f"names no place ({place})")
        if text != runs[1][1]:
            wrong.append(f"another text the second time: {runs[1][1]}")
        if names_in(folder) != before:
            wrong.append(f"files were written: {sorted(set(names_in(folder)) - set(before))}")
        if not sanitized and seconds > SECONDS:
            wrong.append(f"{seconds:.3f} s")
        if not sanitized and megabytes > MEGABYTES:
            wrong.append(f"{megabytes:.0f} MiB")
        return wrong, text.replace(str(folder), ""), seconds, megabytes
    finally:
        shutil.rmtree(folder)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("patchbay", type=pathlib.Path)
    parser.add_argument("repository")
    parser.add_argument("--each", type=int, default=4, help="files of each class")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--list", action="store_true", help="print every refusal")
    options = parser.parse_args()
    sanitized = "ASAN_OPTIONS" in os.environ or "LSAN_OPTIONS" in os.environ
    env = {"PATH": os.environ["PATH"], "HF_HOME": "/nonexistent", "GCOV_ERROR_FILE": "/dev/null",
           **{key: os.environ[key] for key in ("LSAN_OPTIONS", "ASAN_OPTIONS") if key in os.environ}}
    files = failures = 0
    slowest = largest = 0.0
    for case in malformed_files.cases(options.seed, options.each):
        wrong, text, seconds, megabytes = problems_of(options.patchbay.resolve(), case, sanitized, env)
        files += 1
        slowest, largest = max(slowest, seconds), max(largest, megabytes)
        if options.list:
            print(f"{case[0]} {case[1]}: {text}", end="")
        if wrong:
            failures += 1
            print(f"FAILED {case[0]} {case[1]}: {'; '.join(wrong)}\n  {text}", end="" if text.endswith("\n") else "\n")
    print(f"{files} malformed files of {len(malformed_files.CLASSES)} classes, {failures} not refused as they should be; "
          f"the slowest took {slowest:.3f} s of processor time, the largest {largest:.0f} MiB")
    return failures > 0


if __name__ == "__main__":
    sys.exit(main())
