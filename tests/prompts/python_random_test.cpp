// The random stream is CPython's, bit for bit: the values were drawn by python3 3.11's random.
#include "patchbay/prompts/python_random.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace patchbay {
namespace {

struct Golden {
  std::uint64_t seed;
  std::vector<std::uint64_t> words;   // getrandbits(32), three times
  std::vector<std::uint64_t> bits;    // getrandbits of 7, 64 and 40
  std::vector<std::uint64_t> below;   // randrange of 1, 8, 12, 1000, 10^12
  char choice;                        // choice("abcdefgh")
  std::vector<std::size_t> shuffled;  // shuffle(list(range(10)))
  std::vector<std::vector<std::size_t>> samples;
};

const std::vector<Golden> kGoldens = {
    {0U,
     {3626764237U, 1654615998, 3255389356U},
     {113, 746805015404516437U, 1061968961082U},
     {0, 6, 4, 991, 392888992260U},
     'd',
     {6, 5, 3, 9, 7, 0, 1, 4, 2, 8},
     {{4, 1},
      {93, 9, 87, 42, 60},
      {17, 3, 11, 13, 10, 19},
      {655, 934, 209, 989, 565, 488, 453},
      {66, 33, 7, 70, 1, 11},
      {51, 85, 80, 0, 78, 63},
      {10, 7, 20, 2, 6, 19, 3, 12, 17, 8, 15, 1, 9, 5, 4, 14, 0, 13, 18, 11, 16}}},
    {42U,
     {2746317213U, 478163327, 107420369},
     {94, 4517457392071889495U, 151282538206U},
     {0, 1, 9, 432, 30201276659U},
     'b',
     {2, 5, 7, 8, 6, 1, 4, 0, 9, 3},
     {{9, 4},
      {0, 97, 20, 89, 54},
      {10, 8, 4, 6, 24, 29},
      {104, 94, 389, 99, 367, 867, 352},
      {77, 33, 5, 58, 68, 15},
      {48, 10, 70, 37, 80, 79},
      {11, 18, 6, 2, 1, 7, 12, 4, 16, 3, 14, 19, 13, 15, 5, 17, 10, 9, 8, 0, 20}}},
    {4294967296U,
     {485306839, 1508871100, 1794561286},
     {119, 420988764530468635U, 964699997961U},
     {0, 7, 0, 141, 897973610560U},
     'g',
     {1, 2, 0, 4, 6, 3, 7, 9, 5, 8},
     {{10, 4},
      {90, 17, 71, 35, 45},
      {16, 4, 18, 29, 26, 5},
      {149, 613, 5, 390, 743, 49, 362},
      {2, 33, 28, 21, 9, 45},
      {58, 53, 56, 20, 18, 11},
      {7, 8, 5, 19, 15, 12, 14, 0, 4, 2, 16, 20, 6, 13, 11, 9, 1, 10, 3, 18, 17}}},
    {18446744073709551615U,
     {93740670, 1068495656, 1452108352},
     {79, 8412893781816475729U, 105721161155U},
     {0, 0, 11, 197, 587250748834U},
     'h',
     {3, 8, 9, 0, 4, 6, 2, 7, 5, 1},
     {{4, 9},
      {37, 78, 63, 47, 99},
      {4, 11, 17, 7, 26, 22},
      {855, 241, 332, 82, 511, 482, 186},
      {13, 2, 18, 75, 56, 32},
      {79, 32, 5, 34, 78, 1},
      {4, 14, 16, 18, 19, 9, 0, 7, 5, 10, 20, 17, 15, 12, 8, 6, 3, 2, 13, 11, 1}}}};

TEST(PythonRandom, DrawsWhatPythonDraws) {
  for (const Golden& golden : kGoldens) {
    SCOPED_TRACE(golden.seed);
    PythonRandom random(golden.seed);
    for (const std::uint64_t word : golden.words) EXPECT_EQ(random.getrandbits(32), word);
    EXPECT_EQ(random.getrandbits(7), golden.bits[0]);
    EXPECT_EQ(random.getrandbits(64), golden.bits[1]);
    EXPECT_EQ(random.getrandbits(40), golden.bits[2]);
    const std::uint64_t bounds[] = {1, 8, 12, 1000, 1'000'000'000'000};
    for (std::size_t i = 0; i < std::size(bounds); ++i) {
      EXPECT_EQ(random.randbelow(bounds[i]), golden.below[i]);
    }
    const std::string letters = "abcdefgh";
    EXPECT_EQ(random.choice(std::vector<char>(letters.begin(), letters.end())), golden.choice);
    std::vector<std::size_t> numbers = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    random.shuffle(numbers);
    EXPECT_EQ(numbers, golden.shuffled);
    // From a pool, up to 21 or 85 values, and from a set of indices beyond.
    const std::pair<std::size_t, std::size_t> sizes[] = {{12, 2}, {100, 5}, {30, 6}, {1000, 7},
                                                         {85, 6}, {86, 6},  {21, 21}};
    for (std::size_t i = 0; i < std::size(sizes); ++i) {
      EXPECT_EQ(random.sample_indices(sizes[i].first, sizes[i].second), golden.samples[i]);
    }
  }
}

TEST(PythonRandom, StaysPythonsOverManyRefills) {
  PythonRandom random(7);
  for (int i = 1; i < 10000; ++i) random.getrandbits(32);
  EXPECT_EQ(random.getrandbits(32), 1630820426U);
}

TEST(PythonRandom, StreamsOfOneSeedDiffer) {
  std::set<std::uint64_t> first;
  first.insert(PythonRandom(5).getrandbits(64));
  for (const std::uint32_t stream : {1U, 2U, 3U}) {
    first.insert(PythonRandom(5, stream).getrandbits(64));
  }
  EXPECT_EQ(first.size(), 4U);
}

}  // namespace
}  // namespace patchbay
