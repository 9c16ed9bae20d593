// Where the study is that a user names.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "patchbay/study/study.h"

namespace patchbay::runs {

/// The studies that come with patchbay, by name: studies/ beside each folder of shipped models.
std::map<std::string, std::filesystem::path> shipped_studies();

/// A name of a shipped study, or the path of a file, beside which its model is where that is a
/// path. Throws kNoInput with the nearest name, and as read_study.
Study find_study(const std::string& name);

}  // namespace patchbay::runs
