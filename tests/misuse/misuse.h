// Wrong calls of the library, as rows of a table: what is called, how, and what the error says.
#pragma once

#include <gtest/gtest.h>

#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/base/error.h"

namespace patchbay::testing {

/// One wrong call.
struct Misuse {
  std::string_view entry;      ///< what is called
  std::function<void()> call;  ///< wrongly
  std::string_view says;       ///< words of the error
  ErrorKind kind = ErrorKind::kUsage;
};

/// Expects that each call throws an Error of its kind, "[where] what; what to do next", with its
/// words.
inline void expect_refused(const std::vector<Misuse>& calls) {
  for (const Misuse& wrong : calls) {
    SCOPED_TRACE(std::string(wrong.entry) + ": " + std::string(wrong.says));
    try {
      wrong.call();
      ADD_FAILURE() << "the wrong call was accepted";
    } catch (const Error& error) {
      const std::string text = error.what();
      EXPECT_EQ(error.kind(), wrong.kind) << text;
      EXPECT_NE(text.find(wrong.says), std::string::npos) << text;
      EXPECT_TRUE(text.starts_with("[") && text.find("] ") != std::string::npos) << text;
    } catch (const std::exception& other) {
      ADD_FAILURE() << "an exception that is not an Error: " << other.what();
    }
  }
}

}  // namespace patchbay::testing
