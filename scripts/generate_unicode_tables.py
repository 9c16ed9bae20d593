#!/usr/bin/env python3
"""Writes patchbay/text/unicode_tables.cpp from the Unicode Character Database.

    python3 scripts/generate_unicode_tables.py            # write the file
    python3 scripts/generate_unicode_tables.py --check    # exit 1 when the file is out of date

The database is the one of Debian's package unicode-data (version 15.0.0 in Debian 12); --ucd names
another folder with UnicodeData.txt, PropList.txt and DerivedAge.txt. The tokenizer needs three
disjoint classes: letters (general category L*), numbers (N*) and the property White_Space.
"""

import argparse
import pathlib
import re
import sys

TARGET = pathlib.Path(__file__).resolve().parent.parent / "patchbay" / "text" / "unicode_tables.cpp"
DEFAULT_UCD = pathlib.Path("/usr/share/unicode")
CODE_POINTS = 0x110000


def read_categories(ucd):
    """The general category of every code point; unassigned ones are "Cn"."""
    categories = ["Cn"] * CODE_POINTS
    first = None
    for line in (ucd / "UnicodeData.txt").read_text(encoding="utf-8").splitlines():
        fields = line.split(";")
        code_point, name, category = int(fields[0], 16), fields[1], fields[2]
        if name.endswith(", First>"):
            first = code_point
        elif name.endswith(", Last>"):
            categories[first : code_point + 1] = [category] * (code_point + 1 - first)
        else:
            categories[code_point] = category
    return categories


def read_white_space(ucd):
    """The set of code points with the property White_Space."""
    result = set()
    for line in (ucd / "PropList.txt").read_text(encoding="utf-8").splitlines():
        match = re.match(r"([0-9A-F]+)(?:\.\.([0-9A-F]+))?\s*;\s*White_Space\b", line)
        if match:
            first = int(match[1], 16)
            result.update(range(first, int(match[2] or match[1], 16) + 1))
    return result


def read_version(ucd):
    """The version that the database gives itself, "15.0.0"."""
    first_line = (ucd / "PropList.txt").read_text(encoding="utf-8").split("\n", 1)[0]
    return re.fullmatch(r"# PropList-([0-9.]+)\.txt", first_line)[1]


def classify(ucd):
    """For every code point "kLetter", "kNumber", "kSpace" or None."""
    white_space = read_white_space(ucd)
    names = {"L": "kLetter", "N": "kNumber"}
    classes = [names.get(category[0]) for category in read_categories(ucd)]
    for code_point in white_space:
        assert classes[code_point] is None, "a white space that is a letter or a number"
        classes[code_point] = "kSpace"
    return classes


def ranges(classes):
    """(first, last, class) of each run of equal classes, without the runs of None."""
    result = []
    for code_point, name in enumerate(classes):
        if name is None:
            continue
        if result and result[-1][1] == code_point - 1 and result[-1][2] == name:
            result[-1][1] = code_point
        else:
            result.append([code_point, code_point, name])
    return result


def render(ucd):
    entries = [f"{{0x{a:04X}, 0x{b:04X}, {name}}}" for a, b, name in ranges(classify(ucd))]
    lines, line = [], "   "
    for entry in entries:
        if len(line) + len(entry) + 2 > 100:
            lines.append(line)
            line = "   "
        line += f" {entry},"
    lines.append(line)
    body = "\n".join(lines)
    return f"""// Letters, numbers and white space of Unicode {read_version(ucd)}. Generated, do not edit:
//     python3 scripts/generate_unicode_tables.py
#include "patchbay/text/unicode_tables.h"

namespace patchbay {{
namespace {{

using enum CharClass;

// clang-format off
constexpr CodePointRange kRanges[] = {{
{body}
}};
// clang-format on

}}  // namespace

const std::string_view kUnicodeVersion = "{read_version(ucd)}";

std::span<const CodePointRange> code_point_ranges() {{ return kRanges; }}

}}  // namespace patchbay
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--ucd", type=pathlib.Path, default=DEFAULT_UCD)
    parser.add_argument("--check", action="store_true", help="compare, do not write")
    arguments = parser.parse_args()
    if arguments.check and f"Unicode {read_version(arguments.ucd)}." not in TARGET.read_text(encoding="utf-8"):
        print(f"left out: {TARGET.name} is of another version than the database here, "
              f"{read_version(arguments.ucd)}")
        return
    text = render(arguments.ucd)
    if not arguments.check:
        TARGET.write_text(text, encoding="utf-8")
    elif not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text:
        sys.exit(f"{TARGET.name} is out of date; run scripts/generate_unicode_tables.py")


if __name__ == "__main__":
    main()
