// The patchbay command: reads the arguments, runs one verb, and turns what went wrong into a
// sentence on standard error and an exit code.
#include <fmt/format.h>
#include <malloc.h>

#include <csignal>
#include <exception>
#include <new>

#include "cli/error_text.h"
#include "cli/help_page.h"
#include "cli/interruption.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/parser.h"
#include "patchbay/base/error.h"
#include "patchbay/tensor/target.h"

namespace patchbay::cli {
namespace {

constexpr int kSignalBase = 128;  // a shell's code for a process that signal n ended is 128 + n

constexpr int kTimeout = 124;  // as of the command timeout

// A tensor of whole huge pages gives them back to the kernel when it ends. Left to itself, the
// allocator keeps such memory in pieces that the next pass cannot use, beyond what was planned.
void give_back_large_memory() {
  constexpr int kHugePage = 2 << 20;
  mallopt(M_MMAP_THRESHOLD, kHugePage);
}

// What every verb can be told.
void begin(const Given& given) {
  static_cast<void>(threads_of(given));  // refused where nothing computes, too
  choose_output(given);
  if (const auto seconds = given.seconds("--timeout")) start_timeout(*seconds);
  if (const auto name = given.one("--target")) {
    static const ScopedTarget target(find_target(*name));
  }
}

int run(const Parsed& parsed) {
  if (parsed.help) {
    write_output(render(parsed.verb));
    return 0;
  }
  if (parsed.given.knows("--target")) begin(parsed.given);
  return parsed.verb.run(parsed.given);
}

int fail(int code, const std::string& text) {
  write_error(fmt::format("error: {}\n", text));
  return code;
}

// From the arguments to the exit code, whatever goes wrong.
int run_command(int argc, const char* const* argv) {
  hold_closed_streams();
  install_signal_handlers();
  give_back_large_memory();
  try {
    return run(parse(argc, argv));
  } catch (const Error& error) {
    const int number = received_signal();
    const bool stopped = error.kind() == ErrorKind::kInterrupted && number != 0;
    if (stopped && number == SIGALRM) {
      return fail(kTimeout,
                  "[patchbay] stopped by --timeout; run and study keep finished values in the "
                  "folder of --out, and go on from there when the same command is given again");
    }
    return fail(stopped ? kSignalBase + number : error.exit_code(), option_text(error));
  } catch (const ClosedPipe&) {
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

}  // namespace
}  // namespace patchbay::cli

int main(int argc, char** argv) { return patchbay::cli::run_command(argc, argv); }
