#include "patchbay/hooks/hooks.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"

namespace patchbay {
namespace {

// Shell-like matching of * and ?, in time linear in the text for each star.
bool glob_matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t retry = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      retry = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++retry;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

// What the user may have meant by a pattern that matches nothing.
std::string advice(const std::string& pattern, const HookedTransformerConfig& cfg,
                   const std::vector<std::string>& names) {
  for (const HookPointInfo& entry : hook_points()) {  // "z", "hook_z"
    const std::string_view last = entry.pattern.substr(entry.pattern.rfind('.') + 1);
    if (pattern != entry.short_name && pattern != last) continue;
    const bool exists = std::ranges::any_of(
        hook_names(cfg), [&](const HookName& name) { return name.point == entry.point; });
    if (!exists) continue;
    return fmt::format("; did you mean \"{}\"?", fmt::format(fmt::runtime(entry.pattern), "*"));
  }
  constexpr std::string_view kBlocks = "blocks.";
  if (pattern.starts_with(kBlocks)) {
    std::int64_t layer = 0;
    const char* const begin = pattern.data() + kBlocks.size();
    const auto [end, failure] = std::from_chars(begin, pattern.data() + pattern.size(), layer);
    if (failure == std::errc() && layer >= cfg.n_layers) {
      return fmt::format("; the model has layers 0 to {}", cfg.n_layers - 1);
    }
  }
  return did_you_mean(pattern, names);
}

}  // namespace

NamesFilter::NamesFilter(const char* pattern) {
  if (pattern == nullptr) {
    throw Error(ErrorKind::kUsage, "hooks", "a null pointer is not a pattern; give a hook's name");
  }
  patterns_.emplace_back(pattern);
}

bool NamesFilter::matches(const HookName& name) const {
  if (std::ranges::find(names_, name) != names_.end()) return true;
  if (picks_ && picks_(name)) return true;
  if (patterns_.empty()) return false;
  const std::string text = name.str();
  return std::ranges::any_of(patterns_,
                             [&](const std::string& p) { return glob_matches(p, text); });
}

std::vector<HookName> NamesFilter::resolve(const HookedTransformerConfig& cfg) const {
  const std::vector<HookName> all = hook_names(cfg);
  for (const HookName& name : names_) {
    if (std::ranges::find(all, name) == all.end()) {
      throw Error(
          ErrorKind::kUsage, "hooks",
          fmt::format(
              "there is no hook point \"{}\" in a model of {} layers; patchbay hooks lists them",
              name.str(), cfg.n_layers));
    }
  }
  for (const std::string& pattern : patterns_) {
    std::vector<std::string> texts;
    for (const HookName& name : all) texts.push_back(name.str());
    const bool found =
        std::ranges::any_of(texts, [&](const auto& text) { return glob_matches(pattern, text); });
    if (!found) {
      throw Error(
          ErrorKind::kUsage, "hooks",
          fmt::format("no hook point matches \"{}\"{}", pattern, advice(pattern, cfg, texts)));
    }
  }
  std::vector<HookName> picked;
  std::ranges::copy_if(all, std::back_inserter(picked),
                       [this](const HookName& name) { return matches(name); });
  return picked;
}

Hooks::Hooks(std::initializer_list<Entry> entries) {
  for (const Entry& entry : entries) add(entry.where, entry.function);
}

void Hooks::add(NamesFilter where, HookFunction function) {
  if (!function) {
    throw Error(ErrorKind::kUsage, "hooks", "a hook without a function would do nothing; give one");
  }
  entries_.push_back({std::move(where), std::move(function)});
}

}  // namespace patchbay
