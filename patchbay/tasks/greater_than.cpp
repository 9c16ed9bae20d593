// Greater-than (Hanna et al. 2023, arXiv 2305.00586): something that began in a year ends in a
// later one of the same century.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "patchbay/prompts/python_random.h"
#include "patchbay/tasks/words_common.h"

namespace patchbay::tasks {

const Task& greater_than();

namespace {

constexpr std::string_view kForm = "The [NOUN] lasted from the year [XX][YY] to the year [XX]";

// The paper's nouns, things that last.
constexpr std::string_view kNouns[] = {
    "abduction",     "accord",         "affair",       "agreement",     "appraisal",
    "assaults",      "assessment",     "attack",       "attempts",      "campaign",
    "captivity",     "case",           "challenge",    "chaos",         "clash",
    "collaboration", "coma",           "competition",  "confrontation", "consequence",
    "conspiracy",    "construction",   "consultation", "contact",       "contract",
    "convention",    "cooperation",    "custody",      "deal",          "decline",
    "decrease",      "demonstrations", "development",  "disagreement",  "disorder",
    "dispute",       "domination",     "dynasty",      "effect",        "effort",
    "employment",    "endeavor",       "engagement",   "epidemic",      "evaluation",
    "exchange",      "existence",      "expansion",    "expedition",    "experiments",
    "fall",          "fame",           "flights",      "friendship",    "growth",
    "hardship",      "hostility",      "illness",      "impact",        "imprisonment",
    "improvement",   "incarceration",  "increase",     "insurgency",    "invasion",
    "investigation", "journey",        "kingdom",      "marriage",      "modernization",
    "negotiation",   "notoriety",      "obstruction",  "operation",     "order",
    "outbreak",      "outcome",        "overhaul",     "patrols",       "pilgrimage",
    "plague",        "plan",           "practice",     "process",       "program",
    "progress",      "project",        "pursuit",      "quest",         "raids",
    "reforms",       "reign",          "relationship", "retaliation",   "riot",
    "rise",          "rivalry",        "romance",      "rule",          "sanctions",
    "shift",         "siege",          "slump",        "stature",       "stint",
    "strikes",       "study",          "test",         "testing",       "tests",
    "therapy",       "tour",           "tradition",    "treaty",        "trial",
    "trip",          "unemployment",   "voyage",       "warfare",       "work"};

constexpr int kFirstCentury = 11;
constexpr int kLastCentury = 17;
constexpr int kFirstYear = 2;  // so that the corrupted start, 01, is earlier
constexpr int kLastYear = 98;  // so that a year is left
constexpr int kCorruptedYear = 1;

struct StartYear {
  int century;
  int year;
};

std::string two_digits(int number) { return fmt::format("{:02d}", number); }

// How a tokenizer writes the years of a century, and the tokens that may come after its first half.
class YearTokens {
 public:
  explicit YearTokens(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {
    by_two_ = number_tokens(100, 2);
    by_one_ = number_tokens(10, 1);
    collect(by_two_.has_value());
    if (starts_.empty()) collect(false);
    if (!starts_.empty()) return;
    throw Error(ErrorKind::kBadData, "greater_than",
                "this tokenizer cuts no year from 1102 to 1798 into its century and two digits, or "
                "into digits; the task needs one of these");
  }

  [[nodiscard]] const std::vector<StartYear>& starts() const { return starts_; }

  /// With two-digit tokens, the later years of the century and all others. Where a token is one
  /// digit, the first of them that decides: larger and smaller tens; the same tens decide nothing.
  [[nodiscard]] Answers answers(int year) const {
    const std::vector<TokenId>& tokens = whole_ ? *by_two_ : *by_one_;
    const int start = whole_ ? year : year / 10;
    Answers answers;
    for (int i = 0; i < static_cast<int>(tokens.size()); ++i) {
      if (i > start) answers.right.push_back(tokens[static_cast<std::size_t>(i)]);
      if (i < start || (whole_ && i == start)) {
        answers.wrong.push_back(tokens[static_cast<std::size_t>(i)]);
      }
    }
    return answers;
  }

 private:
  [[nodiscard]] Prompt tokens_of(std::string_view text) const {
    return tokenizer_.to_tokens(text, {.prepend_bos = false});
  }

  // The tokens of 00 to 99, or of 0 to 9; nothing when one of them is several.
  [[nodiscard]] std::optional<std::vector<TokenId>> number_tokens(int count, int digits) const {
    std::vector<TokenId> tokens;
    for (int i = 0; i < count; ++i) {
      const Prompt number = tokens_of(fmt::format("{:0{}d}", i, digits));
      if (number.size() != 1) return std::nullopt;
      tokens.push_back(number.front());
    }
    return tokens;
  }

  // Whether " 1741" is the tokens of " 17", then those of the rest: "41", or "4" and "1".
  [[nodiscard]] bool is_cut(int century, int year, bool whole) const {
    Prompt expected = tokens_of(fmt::format(" {}", century));
    if (whole) {
      expected.push_back((*by_two_)[static_cast<std::size_t>(year)]);
    } else {
      for (const int digit : {year / 10, year % 10}) {
        expected.push_back((*by_one_)[static_cast<std::size_t>(digit)]);
      }
    }
    return tokens_of(fmt::format(" {}{}", century, two_digits(year))) == expected;
  }

  void collect(bool whole) {
    whole_ = whole;
    if (!whole && !by_one_) return;
    for (int century = kFirstCentury; century <= kLastCentury; ++century) {
      if (!is_cut(century, kCorruptedYear, whole)) continue;
      for (int year = kFirstYear; year <= kLastYear; ++year) {
        const bool decides = whole || (year >= 10 && year < 90);
        if (decides && is_cut(century, year, whole)) starts_.push_back({century, year});
      }
    }
  }

  const Tokenizer& tokenizer_;
  std::optional<std::vector<TokenId>> by_two_;
  std::optional<std::vector<TokenId>> by_one_;
  bool whole_ = true;  // two digits are one token
  std::vector<StartYear> starts_;
};

MarkedText sentence(std::string_view noun, int century, int year) {
  return fill_form(kForm, {{"NOUN", noun}, {"XX", two_digits(century)}, {"YY", two_digits(year)}});
}

PromptSet make(const TaskModel& model, const CompletedOptions& options) {
  PromptBuilder builder = start(greater_than(), model, options);
  DrawableWords words(greater_than(), builder.tokenizer());
  const auto nouns = words.keep(kNouns, "nouns", 1);
  warn_of(words, builder);
  const YearTokens years(builder.tokenizer());
  PythonRandom random(options.seed);
  while (builder.size() < options.prompts) {
    const std::string_view noun = random.choice(nouns);
    const StartYear start = random.choice(years.starts());
    const std::string where = builder.next();
    builder.add(where, builder.side(where, sentence(noun, start.century, start.year)),
                builder.side(where, sentence(noun, start.century, kCorruptedYear)),
                years.answers(start.year), "lasted");
  }
  return std::move(builder).finish();
}

constexpr Choice kCorruptions[] = {
    {"01", "the start is the century's year 01, so any end is right"}};
constexpr Choice kPositions[] = {
    {"NOUN", "what lasted"},
    {"XX", "the century of the first year"},
    {"YY", "its year's last two digits"},
    {"END", "the century again, after which the year is due"},
};

}  // namespace

const Task& greater_than() {
  static const Task kTask = {
      .name = "greater_than",
      .summary = "\"The war lasted from the year 1732 to the year 17\", then a later year",
      .prompts = 100,
      .seed = 0,
      .corruptions = kCorruptions,
      .positions = kPositions,
      .notes =
          "Hanna et al. 2023, arXiv 2305.00586. Right are all later years of the century, wrong "
          "the start and all earlier ones. Where the tokenizer writes digits one by one, right "
          "are larger tens and wrong smaller ones.",
      .maker = &make};
  return kTask;
}

}  // namespace patchbay::tasks
