// Errors about an experiment's fields, as the command line writes them: with the dashes of options.
#pragma once

#include <fmt/format.h>

#include <string>

#include "patchbay/experiments/experiment.h"

namespace patchbay::cli {

/// The error with its field, and fields in backquotes, as options: "[site] … `axes`" becomes
/// "[--site] … --axes".
inline Error as_option(const experiments::FieldError& error) {
  std::string what;
  bool opened = false;
  for (const char c : error.reason()) {
    if (c != '`') {
      what += c;
    } else if (opened = !opened; opened) {
      what += "--";
    }
  }
  return {error.kind(), fmt::format("--{}", error.field()), what};
}

/// What `function` returns; its errors about fields name options.
template <class Function>
auto as_options(const Function& function) {
  try {
    return function();
  } catch (const experiments::FieldError& error) {
    throw as_option(error);
  }
}

}  // namespace patchbay::cli
