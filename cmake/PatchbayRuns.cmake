# patchbay::runs: experiments and studies with provenance, files, resume, shards and the page, on top of core, hub and report.
file(GLOB patchbay_runs_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/patchbay/runs/*.cpp)
add_library(patchbay_runs STATIC ${patchbay_runs_sources})
add_library(patchbay::runs ALIAS patchbay_runs)
set_target_properties(patchbay_runs PROPERTIES EXPORT_NAME runs OUTPUT_NAME patchbay_runs)
target_link_libraries(
  patchbay_runs
  PUBLIC patchbay_core patchbay_hub patchbay_report
  PRIVATE fmt::fmt)
patchbay_compile_options(patchbay_runs)
patchbay_exact_arithmetic(patchbay_runs)
patchbay_precompile_headers(patchbay_runs)
