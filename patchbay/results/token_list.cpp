#include "patchbay/results/token_list.h"

#include <cstddef>

namespace patchbay {

std::string join_tokens(std::span<const std::string> tokens) {
  std::string text;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0) text += '|';
    for (const char c : tokens[i]) {
      if (c == '|' || c == '\\') text += '\\';
      text += c;
    }
  }
  return text;
}

std::vector<std::string> split_tokens(std::string_view text) {
  std::vector<std::string> tokens(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '|') {
      tokens.emplace_back();
      continue;
    }
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    tokens.back() += text[i];
  }
  return tokens;
}

}  // namespace patchbay
