// The one exception type: what a user's input can cause, said as where, what and what to do next.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace patchbay {

/// What kind of failure an Error reports. The command line returns the number as its exit code
/// (the codes of BSD's sysexits.h, and 2 for a wrong call).
enum class ErrorKind : int {
  kUsage = 2,          ///< a wrong call: an unknown name, an argument out of range
  kBadData = 65,       ///< a file or a prompt whose content breaks a rule
  kNoInput = 66,       ///< a file or folder that is not there or cannot be read
  kNetwork = 69,       ///< a download that failed
  kInternal = 70,      ///< our bug
  kCannotCreate = 73,  ///< an output file that cannot be created
  kInputOutput = 74,   ///< a read or a write that failed midway, no memory, no space
  kBadConfig = 78,     ///< a study or a model configuration that contradicts itself
  kInterrupted = 130,  ///< the run was cancelled
};

/// Everything the library throws on purpose. what() reads "[where] what; what to do next", on one
/// line: what nobody would see of a name from a file is escaped.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, std::string_view where, std::string_view what);

  [[nodiscard]] ErrorKind kind() const { return kind_; }
  [[nodiscard]] int exit_code() const { return static_cast<int>(kind_); }
  /// what() without "[where] ", for whoever knows a better place.
  [[nodiscard]] std::string_view reason() const;

 private:
  ErrorKind kind_;
};

}  // namespace patchbay

/// Checks our own invariants in builds with PATCHBAY_DEBUG_ASSERTIONS; never a user's input.
#ifdef PATCHBAY_DEBUG_ASSERTIONS
#include <cassert>  // NOLINT: only where assertions are on
#define PATCHBAY_ASSERT(condition) assert(condition)
#else
#define PATCHBAY_ASSERT(condition) static_cast<void>(0)
#endif
