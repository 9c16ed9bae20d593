#include "cli/help_page.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/output.h"
#include "patchbay/base/version.h"

namespace patchbay::cli {
namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

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

// A line cannot begin with a control character, and a dash is no hyphen.
std::string roff(std::string_view text) {
  std::string escaped = text.starts_with('.') || text.starts_with('\'') ? "\\&" : "";
  for (const char c : text) {
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '-') {
      escaped += "\\-";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string roff_section(std::string_view title, const std::vector<HelpPage::Entry>& entries) {
  if (entries.empty()) return "";
  std::string text = fmt::format(".SH {}\n", title);
  for (const HelpPage::Entry& entry : entries) {
    text += fmt::format(".TP\n.B {}\n{}\n", roff(entry.name), roff(entry.what));
  }
  return text;
}

}  // namespace

HelpPage page_of(const std::deque<VerbSpec>& verbs, std::string_view path) {
  const auto spec = std::ranges::find(verbs, path, &VerbSpec::path);
  HelpPage page{.command = path.empty() ? "patchbay" : fmt::format("patchbay {}", path),
                .what = spec->what,
                .usage = "",
                .verbs = {},
                .arguments = {},
                .options = {{"-h,--help", "print this page"}},
                .examples = spec->examples};
  const std::string before = path.empty() ? "" : fmt::format("{} ", path);
  for (const VerbSpec& verb : verbs) {
    const bool inside = verb.path.size() > before.size() && verb.path.starts_with(before);
    if (!inside || verb.path.find(' ', before.size()) != std::string::npos) continue;
    page.verbs.push_back({verb.path.substr(before.size()), verb.what});
  }
  for (const OptionSpec& option : spec->options) {
    if (option.is_argument()) {
      page.arguments.push_back({option.names, option.what});
      page.usage += fmt::format("[{}]{} ", option.names, option.is_many() ? "..." : "");
    } else {
      page.options.push_back(
          {option.is_flag() ? option.names : option.names + " " + option.type, option.what});
    }
  }
  if (!page.verbs.empty()) page.usage += "COMMAND ";
  page.usage += "[OPTIONS]";
  return page;
}

std::string render(const HelpPage& page) {
  std::string text = fmt::format("{}: {}\n\n{} {} {}\n", heading(page.command), page.what,
                                 heading("usage:"), page.command, page.usage);
  text += section("commands:", page.verbs);
  text += section("arguments:", page.arguments);
  text += section("options:", page.options);
  text += fmt::format("\n{}\n", heading("examples:"));
  for (const std::string& line : lines_of(page.examples)) text += fmt::format("  {}\n", line);
  return text;
}

std::string render_roff(const HelpPage& page) {
  std::string name = page.command;
  std::ranges::replace(name, ' ', '-');
  std::string text = fmt::format(
      ".TH {} 1 \"\" \"patchbay {}\" \"patchbay\"\n.SH NAME\n{} \\- {}\n.SH SYNOPSIS\n.B {}\n{}\n",
      roff(name), kVersion, roff(name), roff(page.what), roff(page.command), roff(page.usage));
  text += roff_section("COMMANDS", page.verbs) + roff_section("ARGUMENTS", page.arguments) +
          roff_section("OPTIONS", page.options);
  text += ".SH EXAMPLES\n.nf\n";
  for (const std::string& line : lines_of(page.examples)) text += roff(line) + "\n";
  text += ".fi\n.SH SEE ALSO\n";
  if (page.verbs.empty()) return text + ".BR patchbay (1)\n";
  for (std::size_t i = 0; i < page.verbs.size(); ++i) {
    std::string verb = page.verbs[i].name;
    text += fmt::format(".BR {}\\-{} (1){}\n", roff(name), roff(verb),
                        i + 1 < page.verbs.size() ? "," : "");
  }
  return text;
}

}  // namespace patchbay::cli
