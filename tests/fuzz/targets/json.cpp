// JSON: strict beside nlohmann's own reader, and written texts read back.
#include "patchbay/io/json.h"

#include <nlohmann/json.hpp>

#include "patchbay/io/json_writer.h"
#include "tests/fuzz/fuzz_target.h"

using namespace patchbay;
using namespace patchbay::fuzz;

void fuzz_json(std::string_view data);

namespace {

void write(JsonWriter& writer, const JsonValue& value) {
  switch (value.type()) {
    case JsonValue::Type::kNull:
      writer.null();
      break;
    case JsonValue::Type::kBool:
      writer.value(value.as_bool());
      break;
    case JsonValue::Type::kInteger:
      writer.value(value.as_int());
      break;
    case JsonValue::Type::kUnsigned:
      writer.value(value.as_unsigned());
      break;
    case JsonValue::Type::kDouble:
      writer.value(value.as_double());
      break;
    case JsonValue::Type::kString:
      writer.value(value.as_string());
      break;
    case JsonValue::Type::kArray:
      writer.begin_array();
      for (const JsonValue& item : value.items()) write(writer, item);
      writer.end_array();
      break;
    case JsonValue::Type::kObject:
      writer.begin_object();
      for (const JsonMember& member : value.members()) {
        require(value.find(member.key) == &member.value, "a member is found by its key");
        writer.key(member.key);
        write(writer, member.value);
      }
      writer.end_object();
      break;
  }
}

std::string written(const JsonDocument& document) {
  JsonWriter writer;
  write(writer, document.root());
  return writer.take();
}

}  // namespace

void fuzz_json(std::string_view data) {
  const bool accepted = accepts([&] {
    const JsonDocument document =
        parse_json(data, "f.json", {.max_depth = 64, .max_values = 10000});
    const std::string text = written(document);
    require(written(parse_json(text, "again.json")) == text,
            "a text that is read and written is the same");
  });
  if (accepted) require(nlohmann::json::accept(data), "what is accepted is JSON to others");
}
