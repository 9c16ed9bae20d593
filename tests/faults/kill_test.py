"""Runs that end at a random moment: python3 kill_test.py PATCHBAY REPOSITORY [--times N] [--seed N]

A study, a download and a report are each stopped N times in all, in turn by SIGKILL, SIGINT and SIGTERM, at a moment
between their start and their end; every run goes on from what the one before left, until nothing is left to stop, then
a new one begins. What is there in the end must have the bytes of an undisturbed run; a study that goes on must not
compute again what it had kept, and a download must not fetch again what was on the disk, but for one piece each.
"""

import argparse
import pathlib
import random as random_module
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import faults_testing as faults

SIGNALS = [signal.SIGKILL, signal.SIGINT, signal.SIGTERM]
CODES = {signal.SIGKILL: -9, signal.SIGINT: 130, signal.SIGTERM: 143}


class Killer:
    """Starts a command and stops it at a moment of its choice."""

    def __init__(self, folder, random):
        self.folder, self.random, self.number, self.problems = folder, random, 0, []
        self.stopped = {number: 0 for number in SIGNALS}

    def stop(self, command, seconds, env=None):
        """Whether it was stopped, not done before."""
        number = SIGNALS[self.number % len(SIGNALS)]
        self.number += 1
        process = subprocess.Popen(command, cwd=self.folder, env=env or faults.environment(self.folder),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(self.random.uniform(0, seconds))
        process.send_signal(number)
        said = process.communicate(timeout=60)[1].decode(errors="replace")
        if process.returncode == 0:
            return False
        # Before its handlers are there, a process ends by the signal itself.
        if process.returncode not in (CODES[number], -number):
            self.problems.append(f"{command[1]}: {number.name} gave {process.returncode}: {said}")
        self.stopped[number] += 1
        return True

    def check_parts(self, what, out, whole):
        """Every file that is there is whole."""
        for name, data in faults.contents(out).items():
            if whole.get(name) != data:
                self.problems.append(f"{what}: {name} is half written")


def seconds_of(command, folder, env=None):
    begin = time.monotonic()
    subprocess.run(command, cwd=folder, env=env or faults.environment(folder), check=True, capture_output=True, timeout=300)
    return time.monotonic() - begin


def kill_study(killer, patchbay, times):
    command = [patchbay, *faults.write_study(killer.folder), "--out"]
    seconds = seconds_of([*command, "whole"], killer.folder)
    whole = faults.contents(killer.folder / "whole")
    out = killer.folder / "cut"
    for _ in range(times):
        killer.stop([*command, "cut"], seconds)
        killer.check_parts("study", out, whole)
        if killer.random.random() < 0.5 or not (out / "study.partial").exists():
            finish_study(killer, [*command, "cut"], out, whole)
            shutil.rmtree(out)
    finish_study(killer, [*command, "cut"], out, whole)


def finish_study(killer, command, out, whole):
    """The study to its end. What it keeps is written once for each value that was not there."""
    had = faults.finished_cells(out / "study.partial")
    log = killer.folder / "calls.log"
    counted = ["strace", "-f", "-y", "-o", str(log), "-e", "trace=pwrite64"] if faults.has_strace() else []
    done = faults.run([*counted, *command], killer.folder)
    if done.returncode != 0 or faults.contents(out) != whole:
        killer.problems.append(f"study: the rerun ends with {done.returncode} and other bytes: {done.stderr.decode()}")
    if counted and had:
        fresh = len(re.findall(r"pwrite64\(\d+<[^>]*/study\.partial", log.read_text(errors="replace")))
        # Layers, neurons, prompts; layers, heads, prompts; the baselines of both; the steps that are done.
        every = 5 * 10 * 12 + 5 * 4 * 12 + 2 * 12 + 3
        if fresh != every - had:
            killer.problems.append(f"study: {had} of {every} values were there, and {fresh} were computed")


def kill_report(killer, patchbay, times):
    whole = killer.folder / "whole"
    command = [patchbay, "report", str(whole), "--format", "html,svg,png", "--quiet", "--out"]
    seconds = seconds_of([*command, "pictures-whole"], killer.folder)
    expected = faults.contents(killer.folder / "pictures-whole")
    out = killer.folder / "pictures"
    for _ in range(times):
        killer.stop([*command, "pictures"], seconds)
        killer.check_parts("report", out, expected)
    seconds_of([*command, "pictures"], killer.folder)
    if faults.contents(out) != expected:
        killer.problems.append("report: the rerun has other files")


def kill_download(killer, patchbay, repository, times):
    sys.path.insert(0, str(repository / "tests/hub"))
    from fault_server import FaultServer

    golden = repository / "tests/golden/tiny-gpt2"
    files = {name: (golden / name).read_bytes() for name in ("config.json", "tokenizer.json")}
    files["model.safetensors"] = (golden / "model.safetensors").read_bytes() * 40
    home = killer.folder / "hub"

    def slowly(handler):
        time.sleep(0.005)
        return False

    with FaultServer({"org/name": files}) as server:
        server.add_rule("", slowly, method="*")
        env = {**faults.environment(killer.folder), "HF_HOME": str(home), "HF_ENDPOINT": server.address, "HOME": str(killer.folder)}
        command = [patchbay, "model", "pull", "org/name", "--quiet"]
        seconds = seconds_of(command, killer.folder, env)
        whole = faults.contents(home)
        shutil.rmtree(home)
        for _ in range(times):
            stopped = killer.stop(command, seconds, env)
            partial = [path.stat().st_size for path in home.rglob("*.incomplete")]
            before = len(server.requests("/content/"))
            if killer.random.random() < 0.5 or not stopped:
                seconds_of(command, killer.folder, env)
                later = [request for request in server.requests("/content/")[before:]]
                for _, _, headers in later:
                    begin = int(re.fullmatch(r"bytes=(\d+)-", headers.get("Range", "bytes=0-"))[1])
                    if partial and max(partial) > 0 and begin != max(partial):
                        killer.problems.append(f"download: {max(partial)} bytes were there, and it went on at {begin}")
                if faults.contents(home) != whole:
                    killer.problems.append("download: the rerun has other files")
                shutil.rmtree(home)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("patchbay", type=pathlib.Path)
    parser.add_argument("repository", type=pathlib.Path)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="patchbay-kill-"))
    killer = Killer(folder, random_module.Random(options.seed))
    patchbay = str(options.patchbay.resolve())
    study = options.times - 2 * (options.times // 4)
    kill_study(killer, patchbay, study)
    kill_report(killer, patchbay, options.times // 4)
    kill_download(killer, patchbay, options.repository.resolve(), options.times // 4)
    left = faults.leftovers(folder)
    shutil.rmtree(folder)
    print("\n".join(killer.problems[:40]))
    print(f"{options.times} times stopped, the study {study} times: "
          f"{', '.join(f'{count} by {number.name}' for number, count in killer.stopped.items())}, the rest were done before; "
          f"{len(left)} temporary files left; {len(killer.problems)} problems")
    return bool(killer.problems)


if __name__ == "__main__":
    sys.exit(main())
