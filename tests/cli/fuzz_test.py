"""Random command lines never end in an internal error, by a signal, or not at all:
python3 fuzz_test.py PATCHBAY REPOSITORY [LINES [SEED]]

docs/security.md has the long run. What fails is printed as a shell would be given it; the same seed draws it again.
"""

import collections
import os
import pathlib
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

from random_lines import Lines, write_files

SECONDS = 60  # every line is told to stop after ten
CODES = {0, 1, 2, 65, 66, 69, 73, 74, 78, 124}
MEMORY = 6 << 30


def fault_of(done):
    """What is wrong with how a command ended, or nothing."""
    error = done.stderr.decode(errors="replace")
    if done.returncode not in CODES:
        return f"exit code {done.returncode}"
    if done.returncode > 1 and sum(line.startswith("error: ") for line in error.splitlines()) != 1:
        return "not one sentence that begins with error:"
    if done.returncode > 1 and ": " not in error.split("error: ", 1)[-1] and "]" not in error:
        return "an error that names no place"
    return ""


def run(command, words, folder, env):
    def limit():
        if "LSAN_OPTIONS" not in env:  # sanitizers reserve more than there is
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    try:
        done = subprocess.run([command, *words], cwd=folder, env=env, capture_output=True, input=b"When Mary went",
                              timeout=SECONDS * (10 if "LSAN_OPTIONS" in env else 1), check=False, preexec_fn=limit)
    except subprocess.TimeoutExpired:
        return None, f"runs longer than {SECONDS} s"
    return done, fault_of(done)


def main():
    command, repository = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    count, seed = (int(word) for word in (sys.argv[3:] + ["600", "1"][len(sys.argv) - 3:]))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="patchbay-fuzz-"))
    (folder / "tests").symlink_to(repository / "tests")
    env = {"PATH": os.environ["PATH"], "HF_HOME": str(folder / "huggingface"), "HF_HUB_OFFLINE": "1", "GCOV_ERROR_FILE": "/dev/null",
           **{name: os.environ[name] for name in ("LSAN_OPTIONS", "ASAN_OPTIONS", "UBSAN_OPTIONS") if name in os.environ}}
    if "LSAN_OPTIONS" in env:  # by its test preset; runs take twenty times as long
        count //= 8
    write_files(folder)
    lines, codes, faults, began = Lines(command, folder, seed), collections.Counter(), 0, time.monotonic()
    for number in range(count):
        words = lines.next()
        done, fault = run(command, words, folder, env)
        codes[done.returncode if done else "hang"] += 1
        if fault:
            faults += 1
            shown = " ".join(shlex.quote(word if isinstance(word, str) else repr(word)) for word in words)
            print(f"line {number} of seed {seed}: {fault}\n  patchbay {shown}\n  {(done.stderr if done else b'')[-600:].decode(errors='replace')}",
                  flush=True)
            if words and words[0] == "study":
                print((folder / "study.toml").read_text())
    shutil.rmtree(folder)
    print(f"{count} command lines of seed {seed} in {time.monotonic() - began:.0f} s, {faults} faults; exit codes {dict(codes)}")
    # Lines that are refused at once prove little: many must do their work.
    return 1 if faults or codes[0] < count // 8 else 0


if __name__ == "__main__":
    sys.exit(main())
