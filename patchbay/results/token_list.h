// Lists of tokens as one text: "When| Mary| and".
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace patchbay {

/// The tokens with | between them. A | or a \ inside of a token gets a \ before it.
std::string join_tokens(std::span<const std::string> tokens);
/// The tokens of such a text.
std::vector<std::string> split_tokens(std::string_view text);

}  // namespace patchbay
