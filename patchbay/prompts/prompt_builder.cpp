// Builds a prompt set pair by pair, and refuses pairs that would compare what cannot be compared.
#include "patchbay/prompts/prompt_builder.h"

#include <fmt/format.h>

#include <set>

#include "patchbay/base/utf8.h"

namespace patchbay {
namespace {

// The task's name without what follows its colon, since `where` names the file.
std::string_view tag_of(std::string_view task) { return task.substr(0, task.find(':')); }

}  // namespace

PromptBuilder::PromptBuilder(const HookedTransformerConfig& cfg, const Tokenizer* tokenizer,
                             PromptSet set, const PromptTexts& texts)
    : cfg_(cfg), tokenizer_(tokenizer), set_(std::move(set)), texts_(texts) {
  set_.position_names.emplace_back("END");
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorKind::kUsage, tag_of(set_.task), what);
  };
  if (!set_.pairs.empty()) fail("the set has pairs already; add every pair by PromptBuilder::add");
  std::set<std::string_view> names;
  for (const std::string& name : set_.position_names) {
    if (name.empty()) fail("a position has no name; name it, or omit it");
    if (names.insert(name).second) continue;
    fail(fmt::format("the position {} is given twice; END is always there, omit it",
                     in_quotes(name)));
  }
}

const Tokenizer& PromptBuilder::tokenizer() const {
  if (tokenizer_ != nullptr) return *tokenizer_;
  throw Error(ErrorKind::kUsage, tag_of(set_.task),
              fmt::format("prompts cannot be text: {}", cfg_.no_tokenizer()));
}

std::string PromptBuilder::next() const { return fmt::format("prompt {}", size()); }

void PromptBuilder::leave_out(std::int64_t count, std::string why) {
  set_.left_out += count;
  warn(std::move(why));
}

void PromptBuilder::warn_once(bool& said, std::string warning) {
  if (!said) warn(std::move(warning));
  said = true;
}

Error PromptBuilder::error(std::string_view where, std::string_view what) const {
  return {ErrorKind::kBadData, tag_of(set_.task), fmt::format("{}: {}", where, what)};
}

PromptSide PromptBuilder::side(std::string_view where, const MarkedText& text) {
  if (text.text.empty()) throw error(where, "the text is empty; a prompt needs at least one token");
  PromptSide side{.text = text.text, .tokens = {}, .positions = {}};
  const bool bos = set_.prepend_bos;
  try {
    side.tokens = tokenizer().to_tokens(
        text.text, {.prepend_bos = bos, .parse_special = texts_.parse_special});
  } catch (const Error& refused) {
    if (refused.kind() != ErrorKind::kBadData) throw;
    throw error(where, refused.reason());
  }
  for (const AddedToken& special : tokenizer().special_tokens()) {
    if (texts_.parse_special || text.text.find(special.content) == std::string::npos) continue;
    warn_once(said_special_, fmt::format("{}: {} is read as plain characters; with `special` it is "
                                         "one token",
                                         where, in_quotes(special.content)));
  }
  const auto bos_id = tokenizer().bos_token_id();
  if (bos_id && side.tokens.size() > 1 && side.tokens[0] == *bos_id && side.tokens[1] == *bos_id) {
    warn_once(said_two_bos_,
              fmt::format("{}: begins with two BOS; omit the one of the text, or `bos`", where));
  }
  side.positions = find_positions(tokenizer(), text, side.tokens, bos ? 1 : 0, set_.position_names);
  return side;
}

TokenId PromptBuilder::answer(std::string_view where, std::string_view text) {
  if (!text.empty() && text.front() != ' ') {
    const std::string spaced = fmt::format(" {}", text);
    if (tokenizer().to_tokens(spaced, {.prepend_bos = false}).size() == 1) {
      warn_once(said_space_, fmt::format("{}: the answer {} has no space before it, and {} is a "
                                         "token too; take that where a word begins",
                                         where, in_quotes(text), in_quotes(spaced)));
    }
  }
  if (texts_.first_answer_token && !text.empty()) {
    return tokenizer().to_tokens(text, {.prepend_bos = false}).front();
  }
  try {
    return tokenizer().to_single_token(text);
  } catch (const Error& refused) {
    if (refused.kind() != ErrorKind::kBadData) throw;
    const bool of_file = tag_of(set_.task) == "file";  // other tasks choose their words
    throw error(where,
                fmt::format("the answer {}{}", refused.reason(),
                            of_file ? "; with `answer-token` first its first one is taken" : ""));
  }
}

void PromptBuilder::check_side(std::string_view where, std::string_view name,
                               const PromptSide& side) {
  const auto length = static_cast<std::int64_t>(side.tokens.size());
  const auto fail = [&](const std::string& what) {
    throw error(where, fmt::format("the {} prompt {}", name, what));
  };
  if (length == 0) fail("is empty; it needs at least one token");
  if (length > cfg_.n_ctx) {
    fail(fmt::format("has {} tokens; {} reads at most {}", length, cfg_.model_name, cfg_.n_ctx));
  }
  for (const TokenId id : side.tokens) {
    if (id >= 0 && id < cfg_.d_vocab) continue;
    fail(fmt::format("holds token {}; the vocabulary has 0 to {}", id, cfg_.d_vocab - 1));
  }
  if (side.text.ends_with(' ')) {
    warn(
        fmt::format("{}: the {} prompt ends in a space, which belongs to the next word's token; "
                    "answers such as \" Mary\" are then not what comes next",
                    where, name));
  }
}

void PromptBuilder::check_positions(std::string_view where, std::string_view name,
                                    const PromptSide& side) const {
  const auto length = static_cast<std::int32_t>(side.tokens.size());
  if (side.positions.size() != set_.position_names.size() ||
      side.positions.back() != TokenSpan(length - 1)) {
    throw Error(
        ErrorKind::kUsage, tag_of(set_.task),
        fmt::format("{}: the {} prompt has {} positions for the names {}; give one each, -1 "
                    "where there is none, and {} for END",
                    where, name, side.positions.size(), fmt::join(set_.position_names, ", "),
                    length - 1));
  }
  for (std::size_t i = 0; i < side.positions.size(); ++i) {
    const TokenSpan span = side.positions[i];
    if (span == TokenSpan()) continue;
    const auto fail = [&](const std::string& what) {
      throw error(where, fmt::format("the {} prompt has {} for position {}; it has {}", name, what,
                                     in_quotes(set_.position_names[i]), length));
    };
    for (const std::int32_t token : {span.first, span.last}) {
      if (token < 0 || token >= length) fail(fmt::format("no token {}", token));
    }
    if (span.first > span.last) fail(fmt::format("no tokens {} to {}", span.first, span.last));
  }
}

// Patched as a whole, each token of one side goes to one of the other.
void PromptBuilder::warn_of_uneven(std::string_view where, const PromptSide& clean,
                                   const PromptSide& corrupted) {
  for (std::size_t i = 0; i < clean.positions.size(); ++i) {
    const std::int32_t ours = clean.positions[i].size();
    const std::int32_t theirs = corrupted.positions[i].size();
    if (ours == theirs || ours == 0 || theirs == 0) continue;
    const std::string& name = set_.position_names[i];
    warn_once(said_uneven_,
              fmt::format("{}: {} is {} tokens in the clean prompt and {} in the corrupted one, so "
                          "all of it cannot be patched there; {}:first and {}:last can",
                          where, name, ours, theirs, name, name));
  }
}

void PromptBuilder::check_answers(std::string_view where, const Answers& answers) const {
  if (answers.right.empty()) throw error(where, "there is no answer; name one token at least");
  std::set<TokenId> seen;
  for (const auto* side : {&answers.right, &answers.wrong}) {
    for (const TokenId id : *side) {
      if (id < 0 || id >= cfg_.d_vocab) {
        throw error(where, fmt::format("the answer {} is not a token; the vocabulary has 0 to {}",
                                       id, cfg_.d_vocab - 1));
      }
      if (seen.insert(id).second) continue;
      throw error(where,
                  fmt::format("token {} is named twice among what is right and what is wrong", id));
    }
  }
}

// The tokens as a message shows them.
std::string PromptBuilder::spelled(const PromptSide& side) const {
  std::vector<std::string> words;
  for (const TokenId id : side.tokens) {
    const bool known = tokenizer_ != nullptr && tokenizer_->has_token(id);
    words.push_back(known ? in_quotes(tokenizer_->token_bytes(id)) : std::to_string(id));
  }
  return fmt::format("{}", fmt::join(words, " "));
}

void PromptBuilder::add(std::string_view where, PromptSide clean, PromptSide corrupted,
                        Answers answers, std::string group, std::string origin) {
  check_side(where, "clean", clean);
  const bool has_corrupted = !corrupted.tokens.empty() || !corrupted.text.empty();
  if (has_corrupted) check_side(where, "corrupted", corrupted);
  if (has_corrupted && clean.tokens.size() != corrupted.tokens.size()) {
    throw error(where, fmt::format("the clean prompt has {} tokens, the corrupted one {}; a pair "
                                   "must be equally long: {} | {}",
                                   clean.tokens.size(), corrupted.tokens.size(), spelled(clean),
                                   spelled(corrupted)));
  }
  check_positions(where, "clean", clean);
  if (has_corrupted) {
    check_positions(where, "corrupted", corrupted);
    warn_of_uneven(where, clean, corrupted);
  } else {
    corrupted.positions.assign(set_.position_names.size(), {});
  }
  check_answers(where, answers);
  if (clean.tokens == corrupted.tokens) {
    warn(fmt::format("{}: clean and corrupted are the same tokens, so patching changes nothing",
                     where));
  }
  set_.pairs.push_back({.clean_text = std::move(clean.text),
                        .corrupted_text = std::move(corrupted.text),
                        .clean = std::move(clean.tokens),
                        .corrupted = std::move(corrupted.tokens),
                        .answers = std::move(answers.right),
                        .wrongs = std::move(answers.wrong),
                        .origin = std::move(origin),
                        .group = std::move(group),
                        .positions = std::move(clean.positions),
                        .corrupted_positions = std::move(corrupted.positions)});
}

PromptSet PromptBuilder::finish() && {
  if (set_.pairs.empty()) {
    throw Error(ErrorKind::kBadData, tag_of(set_.task), "there are no prompts");
  }
  return std::move(set_);
}

}  // namespace patchbay
