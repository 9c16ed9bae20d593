// The command line, read: the only door to the argument parser.
#pragma once

#include "cli/given.h"
#include "cli/verb.h"

namespace patchbay::cli {

/// What the arguments ask for.
struct Parsed {
  const Verb& verb;
  Given given;
  bool help = false;  ///< the verb's page, and nothing else
};

/// Throws kUsage, with the nearest name where one is near.
Parsed parse(int argc, const char* const* argv);

}  // namespace patchbay::cli
