#include "patchbay/report/page_data.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "patchbay/base/error.h"
#include "patchbay/base/visible_text.h"
#include "patchbay/io/json_writer.h"
#include "patchbay/report/attention.h"
#include "patchbay/report/colour.h"
#include "patchbay/results/statistics.h"

namespace patchbay {
namespace {

std::string short_number(double value) {
  return std::isfinite(value) ? fmt::format("{:.6g}", value) : "null";
}

template <typename Values>
void write_numbers(JsonWriter& json, const Values& values) {
  json.begin_array();
  for (const double value : values) json.raw(short_number(value));
  json.end_array();
}

template <typename Texts>
void write_texts(JsonWriter& json, const Texts& texts) {
  json.begin_array();
  for (const std::string& text : texts) json.value(std::string_view(text));
  json.end_array();
}

void write_table(JsonWriter& json, const EffectTable& table, const TableStatistics& statistics) {
  json.begin_object();
  json.member("experiment", table.experiment).member("metric", table.metric);
  json.member("effect", name_of(table.effect)).key("axes").begin_array();
  for (std::size_t i = 0; i + 1 < table.axes.size(); ++i) {
    json.begin_object().member("name", table.axes[i].name).key("labels");
    write_texts(json, table.axes[i].labels);
    json.end_object();
  }
  json.end_array().key("effects").begin_object();
  for (const EffectSummary& effect : statistics.effects) {
    json.key(name_of(effect.effect)).begin_array();
    for (const CellSummary& cell : effect.cells) {
      write_numbers(json, std::array{cell.value, cell.standard_error, cell.low, cell.high,
                                     static_cast<double>(cell.n)});
    }
    json.end_array();
  }
  json.end_object().key("p").begin_array();
  for (const auto& p : statistics.significance.p_values) {
    json.raw(p ? short_number(*p) : "null");
  }
  json.end_array().key("base");
  write_numbers(json, table.base());
  json.key("values").begin_array();
  for (std::int64_t cell = 0; cell < table.cells(); ++cell) {
    write_numbers(json, table.cell_values(cell));
  }
  json.end_array().end_object();
}

void add_weight(std::string& bytes, double weight) {
  const auto share = static_cast<unsigned>(
      std::lround(std::isfinite(weight) ? std::clamp(weight, 0.0, 1.0) * 65535.0 : 0.0));
  bytes += static_cast<char>(share & 0xFFU);
  bytes += static_cast<char>(share >> 8U);
}

// Of the first table that has patterns, and of others on the same prompts.
void write_attention(JsonWriter& json, const Page& page) {
  std::vector<std::string> heads;
  std::vector<std::vector<std::string>> tokens;
  std::string bytes;
  for (const PageSection& section : page.sections) {
    if (!section.table) continue;
    const EffectTable& table = *section.table;
    const std::optional<AttentionPatterns> attention = attention_of(table);
    if (!attention) continue;
    std::vector<std::vector<std::string>> of_table;
    for (std::size_t prompt = 0; prompt < static_cast<std::size_t>(table.n_prompts()); ++prompt) {
      of_table.push_back(attention->tokens(table, prompt));
    }
    if (!tokens.empty() && tokens != of_table) continue;
    for (std::size_t head = 0; head < attention->heads.size(); ++head) {
      heads.push_back(attention->heads[head].name);
      for (std::size_t prompt = 0; prompt < of_table.size(); ++prompt) {
        for (std::size_t query = 0; query < of_table[prompt].size(); ++query) {
          for (std::size_t key = 0; key <= query; ++key) {
            add_weight(bytes, attention->weight(table, head, query, key, prompt));
          }
        }
      }
    }
    tokens = std::move(of_table);
  }
  json.begin_object().key("heads");
  write_texts(json, heads);
  json.key("tokens").begin_array();
  for (const auto& prompt : tokens) write_texts(json, prompt);
  json.end_array().member("weights", base64(bytes)).end_object();
}

// JSON between script tags: no text in it can look like a tag or a comment, or turn the text around
// it. What with_escapes makes of such a character is how JSON writes it too.
std::string between_tags(const std::string& json) {
  return with_escapes(json, [](char32_t c) {
    return c != '<' && c != '>' && c != '&' && (c < 0x80 || c > 0xFFFF || !is_invisible(c));
  });
}

}  // namespace

std::string base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

std::string sha256_base64(std::string_view text) {
  std::array<unsigned char, 32> digest{};
  if (EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1) {
    throw Error(ErrorKind::kInternal, "report", "libcrypto has no SHA-256; please report this");
  }
  return base64({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

std::string page_data(const Page& page, std::span<const TableStatistics> statistics) {
  if (statistics.size() != page.sections.size()) {
    throw Error(ErrorKind::kUsage, "report",
                fmt::format("there are statistics of {} tables for {} sections; give one a section",
                            statistics.size(), page.sections.size()));
  }
  JsonWriter json(JsonLayout::kCompact);
  json.begin_object().key("tables").begin_object();
  for (std::size_t i = 0; i < page.sections.size(); ++i) {
    const PageSection& section = page.sections[i];
    if (!section.table || attention_of(*section.table)) continue;
    json.key(section.section.id);
    write_table(json, *section.table, statistics[i]);
  }
  json.end_object().key("attention");
  write_attention(json, page);
  json.member("attentionCommand", page.attention_command).key("ramp").begin_array();
  const ColourScale scale{.is_signed = false, .limit = 1.0};
  for (int i = 0; i < 256; ++i) json.value(std::string_view(hex(scale.of(i / 255.0))));
  json.end_array().end_object();
  return between_tags(json.take());
}

}  // namespace patchbay
