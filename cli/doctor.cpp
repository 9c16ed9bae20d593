// patchbay doctor: is the arithmetic of this machine the one that results rely on?
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>

#include "cli/commands.h"
#include "cli/interruption.h"
#include "cli/kernel_table.h"
#include "cli/output.h"
#include "patchbay/base/version.h"
#include "patchbay/tensor/kernel_checks.h"
#include "patchbay/tensor/target.h"

namespace patchbay::cli {
namespace {

struct Feature {
  std::string name;
  bool there;
};

std::vector<Feature> processor_features() {
#if defined(__x86_64__)
  return {{"FMA", __builtin_cpu_supports("fma") != 0},
          {"AVX2", __builtin_cpu_supports("avx2") != 0},
          {"AVX-512", __builtin_cpu_supports("avx512f") != 0}};
#else
  return {};
#endif
}

std::optional<std::int64_t> memory(std::string_view what) {
  return kernel_bytes("/proc/meminfo", what);
}

struct Findings {
  Target target;
  int threads;
  std::vector<Feature> features;
  std::vector<KernelCheck> checks;
  std::int64_t milliseconds;

  [[nodiscard]] bool healthy() const {
    return target.has_fma && std::ranges::all_of(checks, [](const KernelCheck& check) {
             return check.difference.empty();
           });
  }
};

Findings examine(const RunContext& ctx) {
  const auto start = std::chrono::steady_clock::now();
  Findings found{.target = current_target(),
                 .threads = ctx.threads(),
                 .features = processor_features(),
                 .checks = check_kernels(ctx),
                 .milliseconds = 0};
  found.milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(
                           std::chrono::steady_clock::now() - start)
                           .count();
  return found;
}

std::string gigabytes(const std::optional<std::int64_t>& bytes) {
  constexpr double kGigabyte = 1 << 30;
  return bytes ? fmt::format("{:.1f} GiB", static_cast<double>(*bytes) / kGigabyte) : "unknown";
}

std::string text_of(const Findings& found) {
  std::vector<std::string> features;
  for (const Feature& feature : found.features) {
    features.push_back(fmt::format("{} {}", feature.name, feature.there ? "yes" : "no"));
  }
  std::string text = fmt::format("patchbay   {}\nin use     {}\n", kVersion, found.target.name);
  if (!features.empty()) text += fmt::format("processor  {}\n", fmt::join(features, ", "));
  text += fmt::format("threads    {}\nmemory     {}, {} available\n\n", found.threads,
                      gigabytes(memory("MemTotal")), gigabytes(memory("MemAvailable")));
  Table table({{"target"}, {"operation"}, {"compared", Table::Align::kRight}, {"result"}});
  for (const KernelCheck& check : found.checks) {
    table.add({check.target, check.operation, std::to_string(check.compared),
               check.difference.empty() ? "equal" : "DIFFERS: " + check.difference});
  }
  text += table.str() + "\n";
  if (!found.target.has_fma) {
    return text + "This processor has no fused multiply-add, so models cannot run on it.\n";
  }
  return text + (found.healthy()
                     ? fmt::format("All kernels equal the scalar chains bit for bit ({} ms).\n",
                                   found.milliseconds)
                     : "Some kernels differ from the scalar chains: do not trust results of this "
                       "build, and please report it.\n");
}

std::string json_of(const Findings& found) {
  JsonWriter json;
  json.begin_object().member("patchbay", std::string_view(kVersion));
  json.member("healthy", found.healthy()).member("target", found.target.name);
  json.member("has_fma", found.target.has_fma).member("threads", found.threads);
  json.key("processor").begin_object(JsonLayout::kInline);
  for (const Feature& feature : found.features) json.member(feature.name, feature.there);
  json.end_object();
  for (const auto& [name, what] :
       {std::pair{"memory_total", "MemTotal"}, std::pair{"memory_available", "MemAvailable"}}) {
    const auto bytes = memory(what);
    json.key(name);
    bytes ? json.value(*bytes) : json.null();
  }
  json.member("milliseconds", found.milliseconds).key("checks").begin_array();
  for (const KernelCheck& check : found.checks) {
    json.begin_object(JsonLayout::kInline).member("target", check.target);
    json.member("operation", check.operation).member("compared", check.compared);
    json.member("equal", check.difference.empty());
    if (!check.difference.empty()) json.member("difference", check.difference);
    json.end_object();
  }
  return json.end_array().end_object().take();
}

}  // namespace

int run(const Doctor& command) {
  const InterruptibleContext ctx(command.common.threads);
  const Findings found = examine(ctx);
  write_output(command.common.json ? json_of(found) : text_of(found));
  return found.healthy() ? 0 : 1;
}

}  // namespace patchbay::cli
