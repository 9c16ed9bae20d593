// What the library says of fields, as the command has it: they are options here.
#pragma once

#include <string>

namespace patchbay::cli {

/// An error's text with "--out" in the place of "`out`", and so for every field of patchbay/runs.
std::string with_options(std::string text);

}  // namespace patchbay::cli
