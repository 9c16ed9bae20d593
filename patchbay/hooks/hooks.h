// Functions that ride on a run: each sees one activation as a view and may edit it in place.
#pragma once

#include <concepts>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/hooks/hook_name.h"
#include "patchbay/tensor/tensor.h"

namespace patchbay {

/// Which activations are meant: none, all, those that match patterns, or those that a function
/// picks. A pattern is a hook name in which * stands for any characters, ? for one.
class NamesFilter {
 public:
  /// Nothing.
  NamesFilter() = default;
  /// One pattern, such as "blocks.*.attn.hook_pattern".
  NamesFilter(std::string_view pattern) : patterns_{std::string(pattern)} {}  // NOLINT: implicit
  /// Throws kUsage for a null pointer.
  NamesFilter(const char* pattern);  // NOLINT: implicit
  NamesFilter(std::vector<std::string> patterns) : patterns_(std::move(patterns)) {}  // NOLINT
  NamesFilter(HookName name) : names_{name} {}  // NOLINT: implicit
  template <std::predicate<const HookName&> Picks>
  NamesFilter(Picks picks) : picks_(std::move(picks)) {}  // NOLINT: implicit
  static NamesFilter all() { return NamesFilter("*"); }
  /// All but the large ones that only exist when somebody asks (HookPointInfo::on_request).
  static NamesFilter standard() {
    return NamesFilter([](const HookName& name) { return !info(name.point).on_request; });
  }

  [[nodiscard]] bool empty() const { return patterns_.empty() && names_.empty() && !picks_; }
  [[nodiscard]] bool matches(const HookName& name) const;
  /// The names of a model that this filter picks, in forward order. Throws kUsage, with the nearest
  /// name, for a pattern or a name that picks nothing.
  [[nodiscard]] std::vector<HookName> resolve(const HookedTransformerConfig& cfg) const;

 private:
  std::vector<std::string> patterns_;
  std::vector<HookName> names_;
  std::function<bool(const HookName&)> picks_;
};

/// Sees an activation, [batch, pos, …] in the order of its axes, and may write to it; the run goes
/// on from what it leaves. Called by the run's own thread.
using HookFunction = std::function<void(TensorView activation, const HookName& hook)>;

/// The hooks of one run, called in the order in which they were added.
class Hooks {
 public:
  struct Entry {
    NamesFilter where;
    HookFunction function;
  };

  Hooks() = default;
  /// Throws kUsage for an entry without a function.
  Hooks(std::initializer_list<Entry> entries);
  /// Throws kUsage when there is no function.
  void add(NamesFilter where, HookFunction function);
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  [[nodiscard]] bool empty() const { return entries_.empty(); }

 private:
  std::vector<Entry> entries_;
};

}  // namespace patchbay
