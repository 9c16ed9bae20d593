// What the library says of settings, as the command line writes it: with the dashes of options.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "patchbay/experiments/experiment.h"

namespace patchbay::cli {

/// The text with its fields, which stand in backquotes, as options: "add `site`" becomes
/// "add --site".
inline std::string with_options(std::string_view text) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz-";
  std::string options;
  while (!text.empty()) {
    const std::size_t open = std::min(text.find('`'), text.size());
    options += text.substr(0, open);
    text.remove_prefix(open);
    const std::size_t end = std::min(text.find_first_not_of(kLetters, 1), text.size());
    const bool is_field = end > 1 && end < text.size() && text[end] == '`';
    if (is_field) options.append("--").append(text.substr(1, end - 1));
    if (!is_field) options += text.substr(0, end);
    text.remove_prefix(is_field ? end + 1 : end);
  }
  return options;
}

/// What `function` returns; its errors about fields name options.
template <class Function>
auto as_options(const Function& function) {
  try {
    return function();
  } catch (const experiments::FieldError& error) {
    throw Error(error.kind(), fmt::format("--{}", error.field()), with_options(error.reason()));
  }
}

}  // namespace patchbay::cli
