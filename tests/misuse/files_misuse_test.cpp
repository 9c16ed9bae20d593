// Files, formats, tokenizers and the hub refuse wrong calls.
#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "patchbay/hub/digest.h"
#include "patchbay/hub/environment.h"
#include "patchbay/hub/find_model.h"
#include "patchbay/hub/model_name.h"
#include "patchbay/hub/pull.h"
#include "patchbay/hub/url.h"
#include "patchbay/io/checkpoint.h"
#include "patchbay/io/elements.h"
#include "patchbay/io/file.h"
#include "patchbay/io/ggml_type.h"
#include "patchbay/io/gguf.h"
#include "patchbay/io/json.h"
#include "patchbay/io/json_writer.h"
#include "patchbay/io/npy.h"
#include "patchbay/io/quantized_blocks.h"
#include "patchbay/io/safetensors.h"
#include "patchbay/io/tensor_reader.h"
#include "patchbay/io/zip.h"
#include "patchbay/text/added_tokens.h"
#include "patchbay/text/byte_pair_encoding.h"
#include "patchbay/text/tokenizer.h"
#include "patchbay/text/vocabulary.h"
#include "tests/misuse/misuse.h"
#include "tests/support/temporary_directory.h"

namespace patchbay {
namespace {

using testing::expect_refused;

TEST(FileMisuse, OfJsonIsRefused) {
  const JsonValue nothing;
  JsonDocument parsed = parse_json("{}", "here");
  const JsonDocument moved = std::move(parsed);
  expect_refused({
      {"JsonWriter::key", [] { JsonWriter().key("a"); }, "a key stands where none can"},
      {"JsonWriter::key", [] { JsonWriter().begin_array().key("a"); }, "a key stands"},
      {"JsonWriter::key", [] { JsonWriter().begin_object().key("a").key("b"); }, "a key stands"},
      {"JsonWriter::value", [] { JsonWriter().begin_object().value(1); }, "has no key"},
      {"JsonWriter::value", [] { JsonWriter().value(1).value(2); }, "a second value"},
      {"JsonWriter::end_array", [] { JsonWriter().end_array(); }, "an end has no begin"},
      {"JsonWriter::end_array", [] { JsonWriter().begin_object().end_array(); }, "no begin"},
      {"JsonWriter::end_object", [] { JsonWriter().begin_object().key("a").end_object(); },
       "a key no value"},
      {"JsonWriter::take", [] { (void)JsonWriter().take(); }, "before it is whole"},
      {"JsonWriter::take", [] { (void)JsonWriter().begin_array().take(); }, "before it is whole"},
      {"JsonValue::as_bool", [&] { (void)nothing.as_bool(); }, "of no document"},
      {"JsonValue::at", [&] { (void)nothing.at("key"); }, "of no document"},
      {"JsonDocument::root", [&] { (void)parsed.root(); }, "holds no text"},  // NOLINT: meant
      {"JsonDocument::operator->", [&] { (void)parsed->is_object(); }, "holds no text"},
      {"parse_json", [] { (void)parse_json("", "here"); }, "here", ErrorKind::kBadData},
      {"read_json_file", [] { (void)read_json_file("/"); }, "/", ErrorKind::kNoInput},
  });
  EXPECT_TRUE(moved->is_object());
}

TEST(FileMisuse, IsRefused) {
  const testing::TemporaryDirectory folder;
  const std::filesystem::path path = folder.path() / "file";
  write_file(path, "content");
  InputFile opened = InputFile::open(path);
  const InputFile moved = std::move(opened);
  std::array<std::byte, 1> byte{};
  std::array<float, 1> one{};
  const auto no_type = static_cast<GgmlType>(99);
  const auto no_dtype = static_cast<Dtype>(99);
  const std::vector<std::int64_t> shape = {3};
  const std::vector<std::int64_t> values = {1, 2};
  const NamedTensor twice[] = {{"x", {}}, {"x", {}}};
  const auto committed = [&] {
    auto file = std::make_unique<AtomicFile>(folder.path() / "committed");
    file->commit();
    return file;
  };
  expect_refused({
      {"InputFile::open", [] { (void)InputFile::open(""); }, "[", ErrorKind::kNoInput},
      {"InputFile::open", [&] { (void)InputFile::open(folder.path()); }, "folder",
       ErrorKind::kNoInput},
      {"InputFile::read_at", [&] { opened.read_at(0, byte); }, "moved from"},  // NOLINT: meant
      {"InputFile::read_at", [&] { moved.read_at(7, byte); }, "", ErrorKind::kInputOutput},
      {"read_file", [&] { (void)read_file(path, 3); }, "file", ErrorKind::kBadData},
      {"AtomicFile", [&] { AtomicFile file(folder.path()); }, "", ErrorKind::kCannotCreate},
      {"AtomicFile::write", [&] { committed()->write("x"); }, "is committed already"},
      {"AtomicFile::commit", [&] { committed()->commit(); }, "is committed already"},
      {"ggml_type_info", [&] { (void)ggml_type_info(no_type); }, "no type 99"},
      {"dtype_name", [&] { (void)dtype_name(no_dtype); }, "no element type 99"},
      {"dtype_size", [&] { (void)dtype_size(no_dtype); }, "no element type 99"},
      {"dequantize", [&] { dequantize(GgmlType::kF32, {}, {}); }, "quantized type"},
      {"dequantize", [&] { dequantize(GgmlType::kQ4_0, byte, one); }, "1 bytes of Q4_0"},
      {"read_floats",
       [&] {
         read_floats({.file = moved,
                      .offset = 0,
                      .count = 2,
                      .dtype = Dtype::kF32,
                      .tag = "x",
                      .label = "y"},
                     one);
       },
       "2 elements do not fill 1"},
      {"write_npy", [&] { write_npy(path, shape, values); }, ""},
      {"NpzWriter::add", [&] { NpzWriter(path).add("", Tensor({1})); }, ""},
      {"NpzWriter::add", [&] { NpzWriter(path).add("../x", Tensor({1})); }, ""},
      {"ZipWriter::close",
       [&] {
         ZipWriter zip(folder.path() / "zip");
         zip.close();
         zip.close();
       },
       "is committed already"},
      {"TensorReader", [] { TensorReader reader({}, {}); }, "is empty"},
      {"open_checkpoint", [&] { (void)open_checkpoint(folder.path()); }, folder.path().c_str(),
       ErrorKind::kNoInput},
      {"GgufFile::open", [&] { (void)GgufFile::open(folder.path()); }, "folder",
       ErrorKind::kNoInput},
      {"NpzFile::open", [&] { (void)NpzFile::open(path); }, "file", ErrorKind::kBadData},
      {"read_npy", [&] { (void)read_npy(folder.path()); }, "folder", ErrorKind::kNoInput},
      {"write_safetensors", [&] { write_safetensors(path, twice); }, "\"x\""},
      {"SafetensorsFile::open", [&] { (void)SafetensorsFile::open(folder.path()); }, "folder",
       ErrorKind::kNoInput},
  });
}

TEST(TextMisuse, IsRefused) {
  TokenizerParts parts;
  parts.source = "parts";
  parts.tokens = {"a", ""};
  Tokenizer source = Tokenizer::from_parts(parts);
  const Tokenizer tokenizer = std::move(source);
  TokenizerParts no_bos = parts;
  no_bos.bos = 7;
  std::array<TokenId, 256> bytes{};
  BytePairEncoding encoding(bytes);
  const Vocabulary vocabulary("parts", parts.tokens, {});
  const AddedToken empty[] = {{.id = 1, .content = ""}};
  const AddedToken same[] = {{.id = 1, .content = "x"}, {.id = 2, .content = "x"}};
  const std::vector<TokenId> unused = {1};
  expect_refused({
      {"to_tokens", [&] { (void)source.to_tokens("a", {.prepend_bos = false}); },  // NOLINT: meant
       "moved from"},
      {"d_vocab", [&] { (void)source.d_vocab(); }, "moved from"},
      {"to_tokens", [&] { (void)tokenizer.to_tokens("a", {.prepend_bos = true}); },
       "no token of the beginning"},
      {"to_tokens", [&] { (void)tokenizer.to_tokens("\xff", {.prepend_bos = false}); }, "not UTF-8",
       ErrorKind::kBadData},
      {"to_tokens", [&] { (void)tokenizer.to_tokens("b", {.prepend_bos = false}); }, "byte 0x62",
       ErrorKind::kBadData},
      {"to_string", [&] { (void)tokenizer.to_string(unused); }, "no token has the id 1"},
      {"to_single_token", [&] { (void)tokenizer.to_single_token(""); }, "", ErrorKind::kBadData},
      {"token_bytes", [&] { (void)tokenizer.token_bytes(-1); }, "no token has the id -1"},
      {"from_parts", [&] { (void)Tokenizer::from_parts(no_bos); }, "the beginning, id 7",
       ErrorKind::kBadData},
      {"from_folder", [] { (void)Tokenizer::from_folder(""); }, "[", ErrorKind::kNoInput},
      {"BytePairEncoding::add",
       [&] {
         encoding.add({-1, 0, 0});
       },
       "cannot be joined"},
      {"Vocabulary::bytes", [&] { (void)vocabulary.bytes(2); }, "no token 2; there are 0 to 1"},
      {"AddedTokenFinder", [&] { AddedTokenFinder finder(empty); }, "is empty"},
      {"AddedTokenFinder", [&] { AddedTokenFinder finder(same); }, "is given twice"},
  });
  BpeWorkspace workspace;
  std::vector<TokenId> tokens;
  encoding.encode("", workspace, tokens);
  EXPECT_TRUE(tokens.empty());
  const AddedTokenFinder finder(std::span<const AddedToken>(same).first(1));
  EXPECT_EQ(finder.find("x", 9, true).length, 0U);
}

TEST(HubMisuse, IsRefused) {
  const RunContext ctx({.threads = 1});
  hub::Settings settings;
  settings.cache = "/no/such/cache";
  settings.endpoint = "https://localhost:1";
  hub::Digest digest(hub::DigestKind::kSha256, 0);
  (void)digest.finish();
  const hub::ModelId climbing = {.id = "../x", .old_id = "", .name = "", .revision = "main"};
  expect_refused({
      {"Digest::add", [&] { digest.add({}); }, "is finished"},
      {"Digest::finish", [&] { (void)digest.finish(); }, "is finished"},
      {"digest_kind", [] { (void)hub::digest_kind(""); }, "SHA-256", ErrorKind::kBadData},
      {"settings_from", [] { (void)hub::settings_from({}); }, "no function reads"},
      {"parse_url", [] { (void)hub::parse_url("", "here"); }, "here"},
      {"find_model", [&] { (void)hub::find_model("", settings); }, "[", ErrorKind::kNoInput},
      {"model_to_pull", [] { (void)hub::model_to_pull(""); }, "no name of a model"},
      {"model_to_pull", [] { (void)hub::model_to_pull("gpt2@a", "b"); }, "given twice"},
      {"model_to_pull", [] { (void)hub::model_to_pull("gpt2", ".."); }, "no branch, tag or commit"},
      {"pull_model", [&] { (void)hub::pull_model(ctx, settings, {}); }, "not a model of the hub"},
      {"pull_model", [&] { (void)hub::pull_model(ctx, settings, climbing); },
       "not a model of the hub"},
  });
}

}  // namespace
}  // namespace patchbay
