// What the library says of fields, as the command has it: they are options here.
#pragma once

#include <string>
#include <string_view>

#include "patchbay/base/error.h"

namespace patchbay::cli {

/// The text with its fields, which stand in backquotes, as options: "add `site`" becomes
/// "add --site".
std::string with_options(std::string_view text);

/// An error's text in the words of options; one about a field of an experiment names its option.
std::string option_text(const Error& error);

}  // namespace patchbay::cli
