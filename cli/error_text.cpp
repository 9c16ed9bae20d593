#include "cli/error_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "patchbay/experiments/experiment.h"

namespace patchbay::cli {

std::string with_options(std::string_view text) {
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

std::string option_text(const Error& error) {
  const auto* field = dynamic_cast<const experiments::FieldError*>(&error);
  if (field == nullptr) return with_options(error.what());
  return fmt::format("[--{}] {}", field->field(), with_options(field->reason()));
}

}  // namespace patchbay::cli
