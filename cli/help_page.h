// A verb's page, as text and for man.
#pragma once

#include <string>

#include "cli/verb.h"

namespace patchbay::cli {

std::string render(const Verb& verb);
/// In roff, for man.
std::string render_roff(const Verb& verb);

}  // namespace patchbay::cli
