// Looks for added tokens byte by byte; few bytes begin one, so most places cost one look.
#include "patchbay/text/added_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "patchbay/base/error.h"

namespace patchbay {

AddedTokenFinder::AddedTokenFinder(std::span<const AddedToken> tokens) {
  std::set<std::string_view> contents;
  for (const AddedToken& token : tokens) {
    if (token.content.empty() || !contents.insert(token.content).second) {
      throw Error(ErrorKind::kUsage, "tokenizer",
                  fmt::format("the added token {} {}; give each a content of its own", token.id,
                              token.content.empty() ? "is empty" : "is given twice"));
    }
    by_first_byte_[static_cast<unsigned char>(token.content.front())].push_back(token);
    only_special_ = only_special_ && token.special;
  }
  for (auto& group : by_first_byte_) {
    std::ranges::sort(group, std::ranges::greater{},
                      [](const AddedToken& token) { return token.content.size(); });
  }
}

AddedTokenFinder::Match AddedTokenFinder::find(std::string_view text, std::size_t offset,
                                               bool parse_special) const {
  const Match none{text.size(), 0, kNoToken};
  if (only_special_ && !parse_special) return none;
  for (std::size_t begin = offset; begin < text.size(); ++begin) {
    for (const AddedToken& token : by_first_byte_[static_cast<unsigned char>(text[begin])]) {
      if ((parse_special || !token.special) && text.substr(begin).starts_with(token.content)) {
        return {begin, token.content.size(), token.id};
      }
    }
  }
  return none;
}

}  // namespace patchbay
