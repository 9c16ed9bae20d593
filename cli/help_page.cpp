// How a help page looks, whichever parser it is made from.
#include "cli/help_page.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/output.h"

namespace patchbay::cli {
namespace {

std::string section(std::string_view title, const std::vector<HelpPage::Entry>& entries) {
  if (entries.empty()) return "";
  std::size_t width = 0;
  for (const HelpPage::Entry& entry : entries) width = std::max(width, entry.name.size());
  std::string text = fmt::format("\n{}\n", heading(title));
  for (const HelpPage::Entry& entry : entries) {
    text += fmt::format("  {:<{}}  {}\n", entry.name, width, entry.what);
  }
  return text;
}

}  // namespace

std::string render(const HelpPage& page) {
  std::string text = fmt::format("{}: {}\n\n{} {} {}\n", heading(page.command), page.what,
                                 heading("usage:"), page.command, page.usage);
  text += section("commands:", page.verbs);
  text += section("arguments:", page.arguments);
  text += section("options:", page.options);
  text += fmt::format("\n{}\n", heading("examples:"));
  std::string_view rest = page.examples;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    text += fmt::format("  {}\n", rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return text;
}

}  // namespace patchbay::cli
