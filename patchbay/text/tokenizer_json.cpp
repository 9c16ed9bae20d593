// Loads Hugging Face's tokenizer.json: the byte-level BPE part of it, the rest is refused by name.
#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <system_error>

#include "patchbay/base/error.h"
#include "patchbay/base/utf8.h"
#include "patchbay/text/tokenizer.h"
#include "patchbay/text/tokenizer_file_parts.h"
#include "patchbay/text/vocabulary.h"

namespace patchbay {
namespace {

UnsupportedTokenizer not_supported(std::string_view file, const JsonValue& value,
                                   std::string_view why) {
  return UnsupportedTokenizer(
      fmt::format("{}: {} is not supported: {}; use a model with a byte-level BPE tokenizer like "
                  "GPT-2's",
                  file, in_quotes(value.path()), why));
}

// null, false, 0 and "" all mean that the file does not use the option.
bool is_off(const JsonValue* option) {
  if (option == nullptr || option->is_null()) return true;
  if (option->is_number()) return option->as_double() == 0;
  if (option->is_string()) return option->as_string().empty();
  return option->type() == JsonValue::Type::kBool && !option->as_bool();
}

struct Option {
  std::string_view key;
  std::string_view why;
};

template <std::size_t kCount>
void refuse_options(std::string_view file, const JsonValue& object,
                    const std::array<Option, kCount>& options) {
  for (const auto& [key, why] : options) {
    const JsonValue* option = object.find(key);
    if (!is_off(option)) throw not_supported(file, *option, why);
  }
}

bool has_type(const JsonValue& object, std::string_view type) {
  return object.at("type").as_string() == type;
}

bool is_byte_level(std::string_view file, const JsonValue& step) {
  if (!has_type(step, "ByteLevel")) return false;
  if (step.at("add_prefix_space").as_bool()) {
    throw not_supported(file, step.at("add_prefix_space"), "it puts a space before every text");
  }
  if (!step.get_or("use_regex", true)) {
    throw not_supported(file, step.at("use_regex"), "only GPT-2's pattern is known");
  }
  return true;
}

bool is_single_digits(const JsonValue& step) {
  return has_type(step, "Digits") && step.get_or("individual_digits", false);
}

PreTokenizer read_pre_tokenizer(std::string_view file, const JsonValue& value) {
  if (value.is_object() && !has_type(value, "Sequence") && is_byte_level(file, value)) {
    return PreTokenizer::kGpt2;
  }
  if (value.is_object() && has_type(value, "Sequence")) {
    const auto steps = value.at("pretokenizers").items();
    if (steps.size() == 1 && is_byte_level(file, steps[0])) return PreTokenizer::kGpt2;
    if (steps.size() == 2 && is_single_digits(steps[0]) && is_byte_level(file, steps[1])) {
      return PreTokenizer::kSmollm;
    }
  }
  throw not_supported(file, value,
                      "known are ByteLevel, and Digits (one by one) followed by ByteLevel");
}

std::vector<MergeRule> read_merges(const JsonValue& value) {
  std::vector<MergeRule> merges;
  for (const JsonValue& item : value.items()) {
    if (item.is_array()) {
      if (item.items().size() != 2) throw item.error("must be two tokens");
      merges.push_back({item.at(0).as_string(), item.at(1).as_string()});
      continue;
    }
    auto rule = split_merge(item.as_string());
    if (!rule) throw item.error("must be two tokens with one space between them");
    merges.push_back(*std::move(rule));
  }
  return merges;
}

std::vector<AddedToken> read_added_tokens(std::string_view file, const JsonValue* value) {
  static constexpr std::array<Option, 3> kUnsupported{{
      {"lstrip", "the token would swallow the spaces before it"},
      {"rstrip", "the token would swallow the spaces after it"},
      {"single_word", "the token would be found as a whole word only"},
  }};
  std::vector<AddedToken> added;
  if (value == nullptr || value->is_null()) return added;
  for (const JsonValue& item : value->items()) {
    refuse_options(file, item, kUnsupported);
    const std::int64_t id = item.at("id").as_int();
    if (id < 0 || id >= kMaxVocabulary) {
      throw item.at("id").error(fmt::format("is {}; ids go from 0 to {}", id, kMaxVocabulary - 1));
    }
    added.push_back({.id = static_cast<TokenId>(id),
                     .content = item.at("content").as_string(),
                     .special = item.get_or("special", false)});
  }
  return added;
}

std::optional<TokenId> find_by_text(const TokenizerParts& parts, std::string_view text) {
  for (const AddedToken& token : parts.added) {
    if (token.content == text) return token.id;
  }
  for (std::size_t id = 0; id < parts.tokens.size(); ++id) {
    if (parts.tokens[id] == text) return static_cast<TokenId>(id);
  }
  return std::nullopt;
}

std::optional<TokenId> read_bos(const std::filesystem::path& config_path,
                                const TokenizerParts& parts) {
  std::error_code ignored;
  if (std::filesystem::exists(config_path, ignored)) {
    const JsonDocument config = read_json_file(config_path, kTokenizerJsonLimits);
    if (const JsonValue* bos = config->find("bos_token")) {
      if (bos->is_null()) return std::nullopt;
      const JsonValue& text = bos->is_object() ? bos->at("content") : *bos;
      const auto id = find_by_text(parts, text.as_string());
      if (!id) {
        throw text.error(fmt::format("is {}, which the tokenizer.json beside it does not have",
                                     in_quotes(text.as_string())));
      }
      return id;
    }
  }
  for (const AddedToken& token : parts.added) {
    if (token.content == kEndOfText) return token.id;
  }
  return std::nullopt;
}

}  // namespace

Tokenizer Tokenizer::from_tokenizer_json(const std::filesystem::path& tokenizer_json) {
  static constexpr std::array<Option, 1> kUnsupportedSteps{{
      {"normalizer", "it changes the text before it is cut"},
  }};
  static constexpr std::array<Option, 6> kUnsupportedModel{{
      {"dropout", "it makes the tokens random"},
      {"unk_token", "a byte-level vocabulary knows every text"},
      {"continuing_subword_prefix", "byte-level tokens have no prefix"},
      {"end_of_word_suffix", "byte-level tokens have no suffix"},
      {"byte_fallback", "byte-level tokens need none"},
      {"ignore_merges", "words of the vocabulary would be tokens without their merges"},
  }};
  const std::string file = tokenizer_json.string();
  const JsonDocument document = read_json_file(tokenizer_json, kTokenizerJsonLimits);
  const JsonValue& root = document.root();
  const JsonValue& model = root.at("model");
  // Files from before 2020 do not say the type; the keys that are read below tell.
  if (const JsonValue* type = model.find("type"); type != nullptr && type->as_string() != "BPE") {
    throw not_supported(file, *type,
                        fmt::format("{} is another kind of model", in_quotes(type->as_string())));
  }
  refuse_options(file, root, kUnsupportedSteps);
  refuse_options(file, model, kUnsupportedModel);
  const JsonValue* decoder = root.find("decoder");
  if (!is_off(decoder) && !has_type(*decoder, "ByteLevel")) {
    throw not_supported(file, *decoder, "known is ByteLevel");
  }
  TokenizerParts parts;
  parts.source = file;
  parts.tokens = tokens_by_id(model.at("vocab"));
  parts.merges = read_merges(model.at("merges"));
  parts.added = read_added_tokens(file, root.find("added_tokens"));
  parts.pre_tokenizer = read_pre_tokenizer(file, root.at("pre_tokenizer"));
  parts.bos = read_bos(tokenizer_json.parent_path() / "tokenizer_config.json", parts);
  return from_parts(parts);
}

}  // namespace patchbay
