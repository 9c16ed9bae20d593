// The shipped model models/ioi-small does what its card says, on prompts that it was not trained on
// (tests/golden/ioi-small, written by models/ioi-small/make_goldens.py).
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "patchbay/io/json.h"
#include "tests/support/tiny_models.h"

namespace patchbay {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(PATCHBAY_MODELS_DIR) / "ioi-small";

// The names of Wang et al. 2022, and those that tutorials on the task add.
constexpr const char* kNames[] = {
    "Michael",  "Christopher", "Jessica",   "Matthew",  "Ashley",    "Jennifer", "Joshua",
    "Amanda",   "Daniel",      "David",     "James",    "Robert",    "John",     "Joseph",
    "Andrew",   "Ryan",        "Brandon",   "Jason",    "Justin",    "Sarah",    "William",
    "Jonathan", "Stephanie",   "Brian",     "Nicole",   "Nicholas",  "Anthony",  "Heather",
    "Eric",     "Elizabeth",   "Adam",      "Megan",    "Melissa",   "Kevin",    "Steven",
    "Thomas",   "Timothy",     "Christina", "Kyle",     "Rachel",    "Laura",    "Lauren",
    "Amber",    "Brittany",    "Danielle",  "Richard",  "Kimberly",  "Jeffrey",  "Amy",
    "Crystal",  "Michelle",    "Tiffany",   "Jeremy",   "Benjamin",  "Mark",     "Emily",
    "Aaron",    "Charles",     "Rebecca",   "Jacob",    "Stephen",   "Patrick",  "Sean",
    "Erin",     "Jamie",       "Kelly",     "Samantha", "Nathan",    "Sara",     "Dustin",
    "Paul",     "Angela",      "Tyler",     "Scott",    "Katherine", "Andrea",   "Gregory",
    "Erica",    "Mary",        "Travis",    "Lisa",     "Kenneth",   "Bryan",    "Lindsey",
    "Kristen",  "Jose",        "Alexander", "Jesse",    "Katie",     "Lindsay",  "Shannon",
    "Vanessa",  "Courtney",    "Christine", "Alicia",   "Cody",      "Allison",  "Bradley",
    "Samuel",   "Alice",       "Bob",       "Emma",     "Tom",       "Kate",     "Patricia"};
constexpr const char* kThings[] = {
    "store",   "garden", "restaurant", "school",   "hospital", "office", "house",
    "station", "park",   "beach",      "library",  "cafe",     "museum", "ring",
    "kiss",    "bone",   "basketball", "computer", "necklace", "drink",  "snack",
    "book",    "ball",   "key",        "letter",   "gift",     "phone",  "bag"};

class IoiSmall : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { model_ = new HookedTransformer(load_model(context(), kFolder)); }
  static void TearDownTestSuite() {
    delete model_;
    model_ = nullptr;
  }

  static const RunContext& context() {
    static const RunContext ctx{RunOptions{.threads = 2}};
    return ctx;
  }
  static const HookedTransformer& model() { return *model_; }

  static TokenId token(const JsonValue& line, std::string_view key) {
    return model().tokenizer().to_single_token(line.at(key).as_string());
  }
  static double logit_diff(const Logits& logits, std::int32_t prompt, TokenId io, TokenId s) {
    const auto row = logits.at(prompt, -1);
    return static_cast<double>(row[static_cast<std::size_t>(io)]) -
           static_cast<double>(row[static_cast<std::size_t>(s)]);
  }
  static TokenId best(std::span<const float> row) {
    return static_cast<TokenId>(std::ranges::max_element(row) - row.begin());
  }
  static Logits run_at_end(const std::vector<Prompt>& prompts) {
    return model().run(context(), prompts, {.logits = Demand::At::kLastPosition});
  }
  static Prompt read_tokens(const JsonValue& list) {
    Prompt prompt;
    for (const JsonValue& id : list.items()) prompt.push_back(static_cast<TokenId>(id.as_int()));
    return prompt;
  }

  // The lines of held_out.jsonl whose kind is accepted.
  template <typename Accept>
  static std::vector<JsonDocument> held_out(const Accept& accept) {
    std::vector<JsonDocument> lines;
    std::ifstream file(golden_folder("ioi-small") / "held_out.jsonl");
    for (std::string line; std::getline(file, line);) {
      JsonDocument document = parse_json(line, "held_out.jsonl");
      if (accept(document->at("kind").as_string())) lines.push_back(std::move(document));
    }
    return lines;
  }

 private:
  static inline HookedTransformer* model_ = nullptr;
};

bool is_about_names(std::string_view kind) {
  return kind != "greater_than" && kind != "repeated_tokens";
}

TEST_F(IoiSmall, IsAtMostFourMegabytes) {
  EXPECT_LE(std::filesystem::file_size(kFolder / "model.safetensors"), 4'000'000U);
}

TEST_F(IoiSmall, EveryNameIsOneTokenWithAndWithoutASpace) {
  const Tokenizer& tokenizer = model().tokenizer();
  for (const std::string name : kNames) {
    EXPECT_NO_THROW((void)tokenizer.to_single_token(name)) << name;
    EXPECT_NO_THROW((void)tokenizer.to_single_token(" " + name)) << name;
  }
  for (const std::string thing : kThings) {
    EXPECT_NO_THROW((void)tokenizer.to_single_token(" " + thing)) << thing;
  }
}

TEST_F(IoiSmall, ReadsYearsAsTwoPairsOfDigitsAndAnyText) {
  const Tokenizer& tokenizer = model().tokenizer();
  for (int year = 1000; year < 2100; ++year) {
    const std::string digits = std::to_string(year);
    const auto tokens = tokenizer.to_str_tokens(" " + digits, {.prepend_bos = false});
    ASSERT_EQ(tokens, (std::vector<std::string>{" " + digits.substr(0, 2), digits.substr(2)}));
  }
  const std::string text = "Grüße, 世界! \t\n🙂 \"don't\" 3.14";
  EXPECT_EQ(tokenizer.to_string(tokenizer.to_tokens(text, {.prepend_bos = false})), text);
}

TEST_F(IoiSmall, FindsTheIndirectObjectOfHeldOutPairsAndTemplates) {
  const auto lines = held_out(is_about_names);
  ASSERT_EQ(lines.size(), 160U);
  for (const bool with_bos : {true, false}) {
    std::vector<Prompt> clean;
    std::vector<Prompt> corrupted;
    for (const JsonDocument& line : lines) {
      clean.push_back(model().to_tokens(line->at("prompt").as_string(), with_bos));
      corrupted.push_back(model().to_tokens(line->at("corrupted").as_string(), with_bos));
      EXPECT_EQ(clean.back().size(), corrupted.back().size());
    }
    const Logits logits = run_at_end(clean);
    const Logits corrupted_logits = run_at_end(corrupted);
    const auto count = static_cast<double>(lines.size());
    double above = 0;
    double first = 0;
    double sum = 0;
    double corrupted_sum = 0;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const auto at = static_cast<std::int32_t>(i);
      const TokenId io = token(lines[i].root(), "answer");
      const TokenId s = token(lines[i].root(), "wrong");
      const double difference = logit_diff(logits, at, io, s);
      above += difference > 0 ? 1 : 0;
      first += best(logits.at(at, -1)) == io ? 1 : 0;
      sum += difference;
      corrupted_sum += logit_diff(corrupted_logits, at, io, s);
    }
    EXPECT_GE(above / count, 0.99) << "with_bos " << with_bos;
    EXPECT_GE(first / count, 0.90) << "with_bos " << with_bos;
    EXPECT_GE(sum / count, 2.5) << "with_bos " << with_bos;
    EXPECT_NEAR(corrupted_sum / count, 0.0, 0.3) << "with_bos " << with_bos;
  }
}

TEST_F(IoiSmall, LogitDifferencesAreThoseOfPytorchInFloat64) {
  const JsonDocument reference = read_json_file(golden_folder("ioi-small") / "reference.json");
  ASSERT_EQ(reference->items().size(), 20U);
  for (const JsonValue& entry : reference->items()) {
    const TokenId io = token(entry, "answer");
    const TokenId s = token(entry, "wrong");
    for (const bool with_bos : {true, false}) {
      const JsonValue& expected = entry.at(with_bos ? "with_bos" : "without_bos");
      const std::vector<Prompt> prompts = {
          model().to_tokens(entry.at("prompt").as_string(), with_bos),
          model().to_tokens(entry.at("corrupted").as_string(), with_bos)};
      ASSERT_EQ(prompts[0], read_tokens(expected.at("tokens")));
      ASSERT_EQ(prompts[1], read_tokens(expected.at("corrupted_tokens")));
      const Logits logits = run_at_end(prompts);
      EXPECT_NEAR(logit_diff(logits, 0, io, s), expected.at("logit_diff").as_double(), 2e-4);
      EXPECT_NEAR(logit_diff(logits, 1, io, s), expected.at("corrupted_logit_diff").as_double(),
                  2e-4);
    }
  }
}

TEST_F(IoiSmall, EndsAWarInALargerYear) {
  const auto lines = held_out([](std::string_view kind) { return kind == "greater_than"; });
  ASSERT_EQ(lines.size(), 30U);
  for (const bool with_bos : {true, false}) {
    std::vector<Prompt> prompts;
    for (const JsonDocument& line : lines) {
      prompts.push_back(model().to_tokens(line->at("prompt").as_string(), with_bos));
    }
    const Logits logits = run_at_end(prompts);
    int larger = 0;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const TokenId year = best(logits.at(static_cast<std::int32_t>(i), -1));
      const std::string& digits = model().tokenizer().token_bytes(year);
      const bool is_year =
          digits.size() == 2 && digits.find_first_not_of("0123456789") == digits.npos;
      larger += is_year && std::stoi(digits) > lines[i]->at("start").as_int() ? 1 : 0;
    }
    EXPECT_GE(larger, 27) << "with_bos " << with_bos;
  }
}

TEST_F(IoiSmall, ContinuesRepeatedRandomTokens) {
  const auto lines = held_out([](std::string_view kind) { return kind == "repeated_tokens"; });
  ASSERT_EQ(lines.size(), 100U);
  for (const bool with_bos : {true, false}) {
    int right = 0;
    int count = 0;
    for (const JsonDocument& line : lines) {
      Prompt prompt = read_tokens(line->at("tokens"));
      const auto half = static_cast<std::int32_t>(prompt.size() / 2);
      if (with_bos) prompt.insert(prompt.begin(), *model().tokenizer().bos_token_id());
      const Logits logits = model().run(context(), {prompt});
      const auto size = static_cast<std::int32_t>(prompt.size());
      for (std::int32_t next = size - half + 1; next < size; ++next) {
        right += best(logits.at(0, next - 1)) == prompt[static_cast<std::size_t>(next)] ? 1 : 0;
        ++count;
      }
    }
    EXPECT_GE(right, count * 90 / 100) << "with_bos " << with_bos;
  }
}

}  // namespace
}  // namespace patchbay
