# Registries by file name: every FOLDER/STEM.cpp beside the folder's own helpers defines
# `const TYPE& patchbay::NAMESPACE::STEM()`, and this function writes the list of them that
# patchbay::NAMESPACE::all() returns. Adding one file is all it takes to add an entry.
# Files whose stem equals the folder's singular helper (the HEADER's stem) or ends in _common are not entries.

function(patchbay_registry target folder type header namespace)
  get_filename_component(helper "${header}" NAME_WE)
  file(GLOB entries CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.cpp)
  list(SORT entries)
  set(declarations "")
  set(items "")
  foreach(entry IN LISTS entries)
    get_filename_component(stem "${entry}" NAME_WE)
    if(stem STREQUAL helper OR stem MATCHES "_common$")
      continue()
    endif()
    string(APPEND declarations "const ${type}& ${stem}();\n")
    string(APPEND items "      &${stem}(),\n")
  endforeach()
  get_filename_component(name "${folder}" NAME)
  set(output ${PROJECT_BINARY_DIR}/generated/${name}_registry.cpp)
  file(
    CONFIGURE
    OUTPUT ${output}
    CONTENT
      "// Written by cmake/PatchbayRegistry.cmake from the files in ${folder}.
#include \"${header}\"

namespace patchbay::${namespace} {

${declarations}
const std::vector<const ${type}*>& all() {
  static const std::vector<const ${type}*> entries = {
${items}  };
  return entries;
}

}  // namespace patchbay::${namespace}
"
    @ONLY)
  target_sources(${target} PRIVATE ${output})
endfunction()
