#!/usr/bin/env python3
"""Checks that every class of a namespace is defined once.

    scripts/check_definitions.py [FOLDER]

No compiler or linker says a word when two files define classes of one name: their destructors are one to the linker,
and objects of the one end by the destructor of the other. Classes of unnamed namespaces are each file's own.
Reads the files as clang-format writes them.
"""
import collections
import pathlib
import re
import sys

FOLDERS = ["patchbay", "cli"]
BEGIN = re.compile(r"namespace ?([\w:]*) ?\{")
END = re.compile(r"\}  // namespace")
CLASS = re.compile(r"(?:class|struct|union|enum class) (\w+)(?: final)?(?: : .*)? \{")


def classes(text):
    namespaces = []
    for line in text.splitlines():
        if begin := BEGIN.match(line):
            namespaces.append(begin[1])
        elif END.match(line):
            namespaces.pop()
        elif (found := CLASS.match(line)) and "" not in namespaces:
            yield "::".join([*namespaces, found[1]])


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[1])
    files = collections.defaultdict(list)
    for folder in FOLDERS:
        for file in sorted((root / folder).rglob("*")):
            if file.suffix in {".h", ".cpp"}:
                for name in classes(file.read_text()):
                    files[name].append(str(file.relative_to(root)))
    found = [f"{name} is defined in {' and in '.join(where)}; give one another name"
             for name, where in sorted(files.items()) if len(where) > 1]
    print("\n".join(found) if found else f"{len(files)} classes are defined once")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
