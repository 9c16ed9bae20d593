// The patchbay command: reads the arguments, runs one verb, and turns what went wrong into a
// sentence on standard error and an exit code.
#include <fmt/format.h>
#include <malloc.h>

#include <csignal>
#include <exception>
#include <new>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/error_text.h"
#include "cli/interruption.h"
#include "cli/output.h"
#include "patchbay/base/error.h"
#include "patchbay/tensor/target.h"

namespace {

using patchbay::Error;
using patchbay::ErrorKind;

constexpr int kSignalBase = 128;  // a shell's code for a process that signal n ended is 128 + n

constexpr int kTimeout = 124;  // as of the command timeout

// A tensor of whole huge pages gives them back to the kernel when it ends. Left to itself, the
// allocator keeps such memory in pieces that the next pass cannot use, beyond what was planned.
void give_back_large_memory() {
  constexpr int kHugePage = 2 << 20;
  mallopt(M_MMAP_THRESHOLD, kHugePage);
}

patchbay::Target target_of(const std::string& name) {
  try {
    return patchbay::find_target(name);
  } catch (const patchbay::Error& error) {
    throw patchbay::Error(error.kind(), "--target", error.reason());
  }
}

void begin(const patchbay::cli::CommonOptions& common) {
  patchbay::cli::choose_colours(common.colour);
  if (common.timeout > 0.0) patchbay::cli::start_timeout(common.timeout);
  if (!common.target.empty()) {
    static const patchbay::ScopedTarget target(target_of(common.target));
  }
}

int fail(int code, const std::string& text) {
  patchbay::cli::write_error(fmt::format("error: {}\n", text));
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  patchbay::cli::hold_closed_streams();
  patchbay::cli::install_signal_handlers();
  give_back_large_memory();
  try {
    const patchbay::cli::Command command = patchbay::cli::parse_arguments(argc, argv);
    return std::visit(
        [](const auto& verb) {
          if constexpr (requires { verb.common; }) begin(verb.common);
          return patchbay::cli::run(verb);
        },
        command);
  } catch (const Error& error) {
    const int number = patchbay::cli::received_signal();
    const bool stopped = error.kind() == ErrorKind::kInterrupted && number != 0;
    if (stopped && number == SIGALRM) {
      return fail(kTimeout,
                  "stopped by --timeout; the same command goes on from the rows that --out kept");
    }
    return fail(stopped ? kSignalBase + number : error.exit_code(),
                patchbay::cli::option_text(error));
  } catch (const patchbay::cli::ClosedPipe&) {
    return kSignalBase + SIGPIPE;
  } catch (const std::bad_alloc&) {
    return fail(static_cast<int>(ErrorKind::kInputOutput),
                "there is not enough memory for this; try a shorter prompt, fewer --names or a "
                "smaller model");
  } catch (const std::exception& error) {
    return fail(static_cast<int>(ErrorKind::kInternal),
                fmt::format("internal error: {}; please report it with the command that you ran",
                            error.what()));
  }
}
