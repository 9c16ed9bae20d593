# Compiler settings shared by every target of the project.

function(patchbay_compile_options target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
                                           -Wcast-qual -Wformat=2 -Wmissing-declarations)
  # g++ 12 sees overlaps in "text" + std::string that are not there (GCC bug 105651).
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
  if(PATCHBAY_COVERAGE)
    target_compile_options(${target} PRIVATE --coverage)
    target_link_options(${target} PUBLIC --coverage)
  endif()
  if(PATCHBAY_WARNINGS_AS_ERRORS)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()

# Parses what nearly every file includes once a target. For builds that check something else: a missing include goes unseen in
# them. Files with compiler options of their own have to skip it (SKIP_PRECOMPILE_HEADERS).
function(patchbay_precompile_headers target)
  if(PATCHBAY_PRECOMPILE_HEADERS)
    target_precompile_headers(
      ${target}
      PRIVATE
      <fmt/format.h>
      <fmt/ranges.h>
      <algorithm>
      <array>
      <bit>
      <charconv>
      <cmath>
      <cstdint>
      <cstring>
      <filesystem>
      <functional>
      <limits>
      <map>
      <memory>
      <numeric>
      <optional>
      <set>
      <span>
      <string>
      <string_view>
      <system_error>
      <utility>
      <vector>
      ${ARGN})
  endif()
endfunction()

# The rules of exactness: no contraction of a*b+c that the source does not spell out, no relaxed arithmetic.
function(patchbay_exact_arithmetic target)
  target_compile_options(${target} PRIVATE -ffp-contract=off -fno-fast-math)
endfunction()
