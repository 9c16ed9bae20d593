// The style and the scripts of a report: patchbay/report/page/*.css and *.js, put into the program
// by CMake.
#pragma once

#include <string>
#include <string_view>

namespace patchbay {

std::string_view page_style();
/// All scripts, in the order of their file names, in one function of their own.
std::string page_script();

}  // namespace patchbay
