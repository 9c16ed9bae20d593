#!/usr/bin/env python3
"""Runs the two studies in every way that must not matter, and compares the bytes of all files that they write.

    scripts/reproducibility.py build/release/cli/patchbay [build/debug/cli/patchbay …]

Ways: every program given (builds of other compilers and optimisation), every instruction set that it has on this
machine, 1, 2, 3, 4 and 7 threads, activations within 3 MiB, 64 MiB and 1 GiB, and 1, 2 and 5 shards that are merged.
--quick varies one thing at a time instead of all together; --once PROGRAM… adds programs that run each study once,
such as those with sanitizers. Prints one hash for each study, or what differs; the exit
code is 1 then.
"""
import argparse
import hashlib
import itertools
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

STUDIES = ["figure_3b", "ioi_lab"]
THREADS = [1, 2, 3, 4, 7]
MEMORY = ["3M", "64M", "1G"]
SHARDS = [1, 2, 5]


def call(program, *arguments):
    return subprocess.run([str(program), *map(str, arguments)], check=True, capture_output=True).stdout.decode()


def targets_of(program):
    # The checks fail where a build's kernels differ; that is said below, by results.
    done = subprocess.run([str(program), "doctor", "--json"], check=False, capture_output=True)
    return list(dict.fromkeys(check["target"] for check in json.loads(done.stdout)["checks"]))


def hash_of(folder):
    whole = hashlib.sha256()
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and "shard-" not in str(path.relative_to(folder))]
    for path in files:
        whole.update(f"{path.relative_to(folder)} {path.stat().st_size}\n".encode() + path.read_bytes())
    return whole.hexdigest(), len(files)


def ways(program, quick):
    """(words for people, options) of every way to run this program."""
    targets = targets_of(program)
    every = [THREADS, MEMORY, targets]
    first = [choices[0] for choices in every]
    product = itertools.product(*every)
    if quick:
        product = [way for way in product if sum(a != b for a, b in zip(way, first)) <= 1]
    for threads, memory, target in product:
        options = ["--threads", threads, "--max-memory", memory, "--target", target]
        yield f"{threads} threads, {memory}, {target}", options


def run_shards(program, study, count, folder):
    for number in range(1, count + 1):
        call(program, "study", study, "--shard", f"{number}/{count}", "--out", folder, "--quiet")
    call(program, "merge", folder, "--quiet")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("programs", nargs="+", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--once", nargs="+", type=pathlib.Path, default=[])
    options = parser.parse_args()
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="patchbay-reproducibility-"))
    differ = False
    for study in STUDIES:
        hashes, runs = {}, 0

        def compare(words):
            found, files = hash_of(scratch / "out")
            shutil.rmtree(scratch / "out")
            if found not in hashes:
                hashes[found] = f"{words} ({files} files)"
            return 1

        for program in options.programs:
            for words, chosen in ways(program.resolve(), options.quick):
                call(program, "study", study, *chosen, "--out", scratch / "out", "--quiet")
                runs += compare(f"{program}: {words}")
            for count in SHARDS:
                run_shards(program, study, count, scratch / "out")
                runs += compare(f"{program}: {count} shards")
        for program in options.once:
            call(program.resolve(), "study", study, "--out", scratch / "out", "--quiet")
            runs += compare(str(program))
        differ |= len(hashes) != 1
        for found, words in hashes.items():
            print(f"{study}: {runs} runs, SHA-256 {found}, first by {words}", flush=True)
    shutil.rmtree(scratch)
    sys.exit("the bytes differ" if differ else 0)


if __name__ == "__main__":
    main()
