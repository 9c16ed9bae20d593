#!/usr/bin/env python3
"""Checks that includes go one way, in the order of the folders of ARCHITECTURE.md.

A file in patchbay/FOLDER may include headers of its own folder and of folders before it in ORDER.
Nothing in patchbay/ includes cli/, tests/, bench/ or examples/; those may include everything.
"""
import pathlib
import re
import sys

ORDER = ["base", "tensor", "io", "results", "text", "config", "hooks", "model", "families", "hub",
         "prompts", "tasks", "metrics", "patching", "circuits", "experiments", "study", "report", "runs"]
ALLOWED = {"report": {"base", "io", "results", "report"}}
ROOT = pathlib.Path(__file__).resolve().parents[1]
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def problems():
    for file in sorted((ROOT / "patchbay").rglob("*")):
        if file.suffix not in {".h", ".cpp"}:
            continue
        name = file.relative_to(ROOT)
        folder = name.parts[1]
        if folder not in ORDER:
            yield f"{name}: the folder patchbay/{folder} has no place in the order of includes"
            continue
        allowed = ALLOWED.get(folder, set(ORDER[: ORDER.index(folder) + 1]))
        for included in INCLUDE.findall(file.read_text()):
            parts = included.split("/")
            if parts[0] != "patchbay" or len(parts) < 3:
                yield f'{name}: includes "{included}"; write it as "patchbay/FOLDER/FILE.h"'
            elif parts[1] not in allowed:
                yield f'{name}: includes "{included}", but {parts[1]} comes after {folder}'


def main():
    found = list(problems())
    print("\n".join(found) if found else "includes go one way")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
