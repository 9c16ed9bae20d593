# Installation and export: another project finds the library with find_package(patchbay) and links patchbay::core,
# patchbay::hub, patchbay::report or patchbay::runs.
include(CMakePackageConfigHelpers)

install(
  TARGETS patchbay_core patchbay_hub patchbay_report patchbay_runs
  EXPORT patchbayTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(
  DIRECTORY patchbay/
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/patchbay
  FILES_MATCHING
  PATTERN "*.h"
  PATTERN "*-inl.h" EXCLUDE)
install(FILES ${PROJECT_BINARY_DIR}/generated/patchbay/base/version.h
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/patchbay/base)
install(
  EXPORT patchbayTargets
  NAMESPACE patchbay::
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/patchbay)
configure_package_config_file(
  cmake/patchbayConfig.cmake.in ${PROJECT_BINARY_DIR}/patchbayConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/patchbay)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/patchbayConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/patchbayConfig.cmake ${PROJECT_BINARY_DIR}/patchbayConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/patchbay)
if(PATCHBAY_BUILD_CLI)
  install(TARGETS patchbay RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  # The program writes its own pages for man, and what shells complete.
  set(pages ${PROJECT_BINARY_DIR}/pages)
  add_custom_command(
    OUTPUT ${pages}/patchbay.bash
    COMMAND ${CMAKE_COMMAND} -E make_directory ${pages}
    COMMAND patchbay man --out ${pages}/man1
    COMMAND patchbay completion zsh > ${pages}/_patchbay
    COMMAND patchbay completion fish > ${pages}/patchbay.fish
    COMMAND patchbay completion bash > ${pages}/patchbay.bash
    DEPENDS patchbay
    COMMENT "Pages for man, and completions"
    VERBATIM)
  add_custom_target(patchbay_pages ALL DEPENDS ${pages}/patchbay.bash)
  install(DIRECTORY ${pages}/man1/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  install(
    FILES ${pages}/patchbay.bash
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
    RENAME patchbay)
  install(FILES ${pages}/_patchbay DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
  install(FILES ${pages}/patchbay.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endif()
install(
  DIRECTORY models/
  DESTINATION ${CMAKE_INSTALL_DATADIR}/patchbay/models
  OPTIONAL
  FILES_MATCHING
  PATTERN "config.json"
  PATTERN "model.safetensors"
  PATTERN "tokenizer.json"
  PATTERN "MODEL_CARD.md")
install(FILES docs/schema/result.schema.json docs/schema/study.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/patchbay/schema)
install(
  DIRECTORY studies/
  DESTINATION ${CMAKE_INSTALL_DATADIR}/patchbay/studies
  OPTIONAL
  FILES_MATCHING
  PATTERN "*.toml")
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
