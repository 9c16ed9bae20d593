#include "patchbay/families/gguf_common.h"

#include <fmt/format.h>

#include <limits>
#include <optional>

namespace patchbay::families {
namespace {

std::string translated(std::span<const std::pair<std::string_view, std::string_view>> table,
                       std::string_view name) {
  for (const auto& [from, to] : table) {
    if (name == from) return std::string(to);
    if (name.starts_with(from) && name[from.size()] == '.') {
      return fmt::format("{}{}", to, name.substr(from.size()));
    }
  }
  return std::string(name);
}

}  // namespace

std::string gguf_name(const GgufNames& names, const std::string& name) {
  std::string_view rest = name;
  if (!rest.starts_with(names.block_prefix)) return translated(names.outside, rest);
  rest.remove_prefix(names.block_prefix.size());
  const std::size_t dot = rest.find('.');
  const std::string_view layer = rest.substr(0, dot);
  return fmt::format("blk.{}.{}", layer, translated(names.in_block, rest.substr(dot + 1)));
}

std::string GgufHyperparameters::full(std::string_view key) const {
  return fmt::format("{}.{}", architecture_, key);
}

const GgufValue* GgufHyperparameters::find(std::string_view key) const {
  return metadata_.find(full(key));
}

std::int64_t GgufHyperparameters::integer(std::string_view key) const {
  return metadata_.at(full(key)).as_int();
}

std::int64_t GgufHyperparameters::integer_or(std::string_view key, std::int64_t fallback) const {
  const GgufValue* value = find(key);
  return value == nullptr ? fallback : value->as_int();
}

double GgufHyperparameters::number(std::string_view key) const {
  return metadata_.at(full(key)).as_float();
}

double GgufHyperparameters::number_or(std::string_view key, double fallback) const {
  const GgufValue* value = find(key);
  return value == nullptr ? fallback : value->as_float();
}

void GgufHyperparameters::require(std::string_view key, std::int64_t value,
                                  std::string_view why) const {
  const GgufValue* found = find(key);
  if (found == nullptr || found->as_int() == value) return;
  throw found->error(fmt::format("is {}; patchbay does not compute {}", found->as_int(), why));
}

std::int64_t GgufHyperparameters::d_vocab() const {
  const GgufValue* size = find("vocab_size");
  if (size != nullptr) return size->as_int();
  return static_cast<std::int64_t>(metadata_.at("tokenizer.ggml.tokens").size());
}

void GgufHyperparameters::read_special_tokens(HookedTransformerConfig& cfg) const {
  const auto read = [&](std::string_view key) -> std::optional<std::int32_t> {
    const GgufValue* value = metadata_.find(key);
    if (value == nullptr) return std::nullopt;
    const std::int64_t id = value->as_int();
    if (id < 0 || id > std::numeric_limits<std::int32_t>::max()) {
      throw value->error(fmt::format("is {}, which is no token", id));
    }
    return static_cast<std::int32_t>(id);
  };
  cfg.bos_token_id = read("tokenizer.ggml.bos_token_id");
  cfg.eos_token_id = read("tokenizer.ggml.eos_token_id");
}

}  // namespace patchbay::families
