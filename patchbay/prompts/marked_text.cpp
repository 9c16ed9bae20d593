// Sentences with named words: filled from a form, and found again among the tokens.
#include "patchbay/prompts/marked_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "patchbay/base/error.h"
#include "patchbay/base/utf8.h"

namespace patchbay {

const MarkedText::Mark* MarkedText::find(std::string_view name) const {
  const auto found = std::ranges::find(marks, name, &Mark::name);
  return found == marks.end() ? nullptr : &*found;
}

MarkedText fill_form(std::string_view form, const MarkWords& words) {
  MarkedText filled;
  while (!form.empty()) {
    const std::size_t open = std::min(form.find('['), form.size());
    filled.text += form.substr(0, open);
    form.remove_prefix(open);
    if (form.empty()) break;
    const std::size_t close = form.find(']');
    const std::string_view name = close == std::string_view::npos ? "" : form.substr(1, close - 1);
    const auto word = std::ranges::find(words, name, &MarkWords::value_type::first);
    if (word == words.end()) {
      filled.text += '[';
      form.remove_prefix(1);
      continue;
    }
    const std::size_t begin = filled.text.size();
    filled.text += word->second;
    filled.marks.push_back({std::string(name), begin, filled.text.size()});
    form.remove_prefix(close + 1);
  }
  return filled;
}

std::int32_t token_at_byte(const Tokenizer& tokenizer, std::span<const TokenId> tokens,
                           std::size_t first, std::size_t byte) {
  std::size_t end = 0;
  for (std::size_t i = first; i < tokens.size(); ++i) {
    end += tokenizer.token_bytes(tokens[i]).size();
    if (byte < end) return static_cast<std::int32_t>(i);
  }
  throw Error(
      ErrorKind::kUsage, "positions",
      fmt::format("the tokens spell {} bytes, so none holds byte {}; give the tokens of this "
                  "text",
                  end, byte));
}

TokenSpan tokens_at_bytes(const Tokenizer& tokenizer, std::span<const TokenId> tokens,
                          std::size_t first, std::size_t begin, std::size_t end) {
  return {token_at_byte(tokenizer, tokens, first, begin),
          token_at_byte(tokenizer, tokens, first, end - 1)};
}

std::vector<TokenSpan> find_positions(const Tokenizer& tokenizer, const MarkedText& text,
                                      std::span<const TokenId> tokens, std::size_t first,
                                      std::span<const std::string> position_names) {
  constexpr std::string_view kNext = "+1";
  if (tokens.size() <= first) {
    throw Error(ErrorKind::kUsage, "positions",
                "a text without tokens has no positions; give the tokens of the text");
  }
  for (const MarkedText::Mark& mark : text.marks) {
    if (mark.begin < mark.end && mark.end <= text.text.size()) continue;
    throw Error(ErrorKind::kUsage, "positions",
                fmt::format("the word {} is at bytes {} to {} of {}; mark one byte at least inside "
                            "the text",
                            in_quotes(mark.name), mark.begin, mark.end, text.text.size()));
  }
  const auto last = static_cast<std::int32_t>(tokens.size()) - 1;
  std::vector<TokenSpan> positions;
  for (const std::string& name : position_names) {
    if (name == "END") {
      positions.emplace_back(last);
      continue;
    }
    const bool is_next = name.ends_with(kNext);
    const auto* mark =
        text.find(is_next ? std::string_view(name).substr(0, name.size() - kNext.size()) : name);
    if (mark == nullptr) {
      positions.emplace_back();
      continue;
    }
    const TokenSpan word = tokens_at_bytes(tokenizer, tokens, first, mark->begin, mark->end);
    if (is_next) {
      positions.push_back(word.last < last ? TokenSpan(word.last + 1) : TokenSpan());
    } else {
      positions.push_back(word);
    }
  }
  return positions;
}

}  // namespace patchbay
