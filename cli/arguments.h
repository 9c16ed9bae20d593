// The command line, read: the only door to the argument parser.
#pragma once

#include "cli/commands.h"

namespace patchbay::cli {

/// What the arguments ask for; help pages and the version come as ShowText. Throws kUsage, with
/// the nearest name where one is near.
Command parse_arguments(int argc, const char* const* argv);

}  // namespace patchbay::cli
