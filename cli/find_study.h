// Where the study is that a user names.
#pragma once

#include <string>

#include "patchbay/study/study.h"

namespace patchbay::cli {

/// A name of a shipped study, or the path of a file. Throws kNoInput with the nearest name, and as
/// read_study.
Study find_study(const std::string& name);

}  // namespace patchbay::cli
