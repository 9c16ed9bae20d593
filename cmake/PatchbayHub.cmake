# patchbay::hub: the Hugging Face cache and downloads, apart from the core so that the core needs no network.
file(GLOB patchbay_hub_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/patchbay/hub/*.cpp)
add_library(patchbay_hub STATIC ${patchbay_hub_sources})
add_library(patchbay::hub ALIAS patchbay_hub)
set_target_properties(patchbay_hub PROPERTIES EXPORT_NAME hub OUTPUT_NAME patchbay_hub)
target_link_libraries(
  patchbay_hub
  PUBLIC patchbay_core
  PRIVATE CURL::libcurl OpenSSL::Crypto fmt::fmt)
patchbay_compile_options(patchbay_hub)

# Where the models that come with patchbay are: beside the installed program, where it was to be installed, in the tree.
cmake_path(ABSOLUTE_PATH CMAKE_INSTALL_BINDIR BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX} OUTPUT_VARIABLE patchbay_bin)
set(patchbay_models ${CMAKE_INSTALL_FULL_DATADIR}/patchbay/models)
cmake_path(RELATIVE_PATH patchbay_models BASE_DIRECTORY ${patchbay_bin} OUTPUT_VARIABLE patchbay_models_from_bin)
set_source_files_properties(
  patchbay/hub/shipped.cpp
  PROPERTIES
    COMPILE_DEFINITIONS
    "PATCHBAY_MODELS_FROM_PROGRAM=\"${patchbay_models_from_bin}\";PATCHBAY_INSTALLED_MODELS=\"${patchbay_models}\";PATCHBAY_SOURCE_MODELS=\"${PROJECT_SOURCE_DIR}/models\""
)
