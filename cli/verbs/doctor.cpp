// patchbay doctor: is the arithmetic of this machine the one that results rely on?
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "cli/interruption.h"
#include "cli/options.h"
#include "cli/output.h"
#include "patchbay/base/machine.h"
#include "patchbay/base/version.h"
#include "patchbay/tensor/kernel_checks.h"
#include "patchbay/tensor/target.h"

namespace patchbay::cli::verbs {

const Verb& doctor();

namespace {

struct Findings {
  Target target = current_target();
  int threads;
  std::vector<ProcessorFeature> features = processor_features();
  Memory memory = patchbay::memory();
  std::vector<KernelCheck> checks;
  std::int64_t milliseconds = 0;

  [[nodiscard]] bool healthy() const {
    return target.has_fma && std::ranges::all_of(checks, &KernelCheck::holds);
  }
};

Findings examine(const RunContext& ctx) {
  using std::chrono::steady_clock;
  const auto start = steady_clock::now();
  Findings found{.threads = ctx.threads(), .checks = check_kernels(ctx)};
  const auto spent = steady_clock::now() - start;
  found.milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(spent).count();
  return found;
}

std::string gigabytes(const std::optional<std::int64_t>& bytes) {
  constexpr double kGigabyte = 1 << 30;
  return bytes ? fmt::format("{:.1f} GiB", static_cast<double>(*bytes) / kGigabyte) : "unknown";
}

std::string verdict(const Findings& found) {
  if (!found.target.has_fma) {
    return "This processor has no fused multiply-add, so models cannot run on it.\n";
  }
  return found.healthy() ? fmt::format("All kernels equal the scalar chains bit for bit ({} ms).\n",
                                       found.milliseconds)
                         : "Some kernels differ from the scalar chains: do not trust results of "
                           "this build, and please report it.\n";
}

std::string text_of(const Findings& found) {
  std::vector<std::string> features;
  for (const ProcessorFeature& feature : found.features) {
    features.push_back(fmt::format("{} {}", feature.name, feature.there ? "yes" : "no"));
  }
  std::string text = fmt::format("patchbay   {}\nin use     {}\n", kVersion, found.target.name);
  if (!features.empty()) text += fmt::format("processor  {}\n", fmt::join(features, ", "));
  text += fmt::format("threads    {}\nmemory     {}, {} available\n\n", found.threads,
                      gigabytes(found.memory.total), gigabytes(found.memory.available));
  Table table({{"target"}, {"operation"}, {"compared", Table::Align::kRight}, {"result"}});
  for (const KernelCheck& check : found.checks) {
    table.add({check.target, check.operation, std::to_string(check.compared),
               check.holds() ? "equal" : "DIFFERS: " + check.difference});
  }
  return text + table.str() + "\n" + verdict(found);
}

std::string json_of(const Findings& found) {
  JsonWriter json;
  json.begin_object().member("patchbay", std::string_view(kVersion));
  json.member("healthy", found.healthy()).member("target", found.target.name);
  json.member("has_fma", found.target.has_fma).member("threads", found.threads);
  json.key("processor").begin_object(JsonLayout::kInline);
  for (const ProcessorFeature& feature : found.features) json.member(feature.name, feature.there);
  json.end_object().member("memory_total", found.memory.total);
  json.member("memory_available", found.memory.available);
  json.member("milliseconds", found.milliseconds).key("checks").begin_array();
  for (const KernelCheck& check : found.checks) {
    json.begin_object(JsonLayout::kInline).member("target", check.target);
    json.member("operation", check.operation).member("compared", check.compared);
    json.member("equal", check.holds());
    if (!check.holds()) json.member("difference", check.difference);
    json.end_object();
  }
  return json.end_array().end_object().take();
}

int run_given(const Given& given) {
  const InterruptibleContext ctx(threads_of(given));
  const Findings found = examine(ctx);
  write_output(given.flag("--json") ? json_of(found) : text_of(found));
  return found.healthy() ? 0 : 1;
}

}  // namespace

const Verb& doctor() {
  static const Verb verb = {.place = 150,
                            .path = "doctor",
                            .what = "check the arithmetic of this machine, in some 50 ms",
                            .examples = "patchbay doctor\npatchbay doctor --json",
                            .run = run_given};
  return verb;
}

}  // namespace patchbay::cli::verbs
