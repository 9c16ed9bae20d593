# patchbay::report: pictures and pages of results, apart from the core so that the core draws nothing. It reads
# patchbay/base, patchbay/io and patchbay/results alone, so a report is redrawn from files without a model.
find_package(PkgConfig REQUIRED)
pkg_check_modules(PATCHBAY_RSVG REQUIRED IMPORTED_TARGET librsvg-2.0>=2.52)

file(GLOB_RECURSE patchbay_report_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/patchbay/report/*.cpp)
add_library(patchbay_report STATIC ${patchbay_report_sources})
add_library(patchbay::report ALIAS patchbay_report)
set_target_properties(patchbay_report PROPERTIES EXPORT_NAME report OUTPUT_NAME patchbay_report)
target_link_libraries(
  patchbay_report
  PUBLIC patchbay_core
  PRIVATE OpenSSL::Crypto PkgConfig::PATCHBAY_RSVG fmt::fmt)
patchbay_compile_options(patchbay_report)
patchbay_exact_arithmetic(patchbay_report)
patchbay_precompile_headers(patchbay_report)
patchbay_registry(patchbay_report patchbay/report/figures Figure "patchbay/report/figure.h" figures)

# The report's style and scripts, as text inside of the library.
function(patchbay_page_files target)
  file(GLOB styles CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/patchbay/report/page/*.css)
  file(GLOB scripts CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/patchbay/report/page/*.js)
  list(SORT scripts)
  set_property(
    DIRECTORY
    APPEND
    PROPERTY CMAKE_CONFIGURE_DEPENDS ${styles} ${scripts})
  set(style "")
  foreach(file IN LISTS styles)
    file(READ ${file} text)
    string(APPEND style "${text}")
  endforeach()
  set(listed "")
  foreach(file IN LISTS scripts)
    file(READ ${file} text)
    string(APPEND listed "\nR\"patchbay(${text})patchbay\",")
  endforeach()
  set(output ${PROJECT_BINARY_DIR}/generated/report_page_files.cpp)
  file(CONFIGURE OUTPUT ${output} CONTENT
"// Written by cmake/PatchbayReport.cmake from the files in patchbay/report/page.
#include \"patchbay/report/page_files.h\"

namespace patchbay {

std::string_view page_style() {
  return R\"patchbay(@style@)patchbay\";
}

std::string page_script() {
  static constexpr const char* kScripts[] = {@listed@};
  std::string script = \"(() => {\\n'use strict';\\n\";
  for (const char* text : kScripts) script += text;
  return script + \"})();\\n\";
}

}  // namespace patchbay
"
       @ONLY)
  target_sources(${target} PRIVATE ${output})
endfunction()
patchbay_page_files(patchbay_report)
