#include "cli/help_page.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/output.h"
#include "patchbay/base/version.h"
#include "patchbay/base/words.h"

namespace patchbay::cli {
namespace {

std::string in_capitals(std::string word) {
  for (char& c : word) c = static_cast<char>(c - 'a' + 'A');
  return word;
}

// A part of a page: names, and what they are.
struct Section {
  std::string title;
  std::vector<std::pair<std::string, std::string>> entries{};
};

// Those that are not empty, in their order.
std::vector<Section> sections_of(const Verb& verb) {
  std::vector<Section> sections = {{in_capitals(verb.noun) + "S"},
                                   {"ARGUMENTS"},
                                   {"SETTINGS"},
                                   {"OPTIONS", {{"-h,--help", "print this page"}}}};
  for (const Verb* inner : verbs_of(verb)) {
    sections[0].entries.emplace_back(inner->last_word(), inner->what);
  }
  for (const OptionSpec& option : verb.options) {
    const std::string type = option.is_argument() || option.is_flag() ? "" : " " + option.type;
    std::size_t section = option.is_setting ? 2 : 3;
    if (option.is_argument()) section = 1;
    sections[section].entries.emplace_back(option.names + type, option.what);
  }
  std::erase_if(sections, [](const Section& section) { return section.entries.empty(); });
  return sections;
}

// What follows the command.
std::string usage_of(const Verb& verb) {
  std::string usage;
  for (const OptionSpec& option : verb.options) {
    if (!option.is_argument()) continue;
    usage += fmt::format("[{}]{} ", option.names, option.is_many() ? "..." : "");
  }
  return usage + (verbs_of(verb).empty() ? "" : in_capitals(verb.noun) + " ") + "[OPTIONS]";
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string in_small_letters(std::string title) {
  for (char& c : title) c = static_cast<char>(c - 'A' + 'a');
  return title;
}

// Lines of at most kWidth, where words are no longer; those after the first stand below its text.
std::string hanging(std::string_view text, std::size_t indent) {
  constexpr std::size_t kWidth = 100;
  std::string lines;
  std::size_t column = indent;
  for (const std::string_view word : split(text, ' ')) {
    const bool fits = column == indent || column + 1 + word.size() <= kWidth;
    if (!fits) lines += '\n' + std::string(indent, ' ');
    if (column > indent && fits) lines += ' ';
    column = (fits ? column + (column > indent ? 1 : 0) : indent) + word.size();
    lines += word;
  }
  return lines;
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

}  // namespace

std::string render(const Verb& verb) {
  std::string text = fmt::format("{}: {}\n\n{} {} {}\n", heading(verb.command()), verb.what,
                                 heading("usage:"), verb.command(), usage_of(verb));
  for (const auto& [title, entries] : sections_of(verb)) {
    std::size_t width = 0;
    for (const auto& [name, what] : entries) width = std::max(width, name.size());
    text += fmt::format("\n{}\n", heading(in_small_letters(title) + ":"));
    for (const auto& [name, what] : entries) {
      text += fmt::format("  {:<{}}  {}\n", name, width, hanging(what, width + 4));
    }
  }
  text += fmt::format("\n{}\n", heading("examples:"));
  for (const std::string& line : lines_of(verb.examples)) text += fmt::format("  {}\n", line);
  return text;
}

std::string render_roff(const Verb& verb) {
  std::string page = verb.command();
  std::ranges::replace(page, ' ', '-');
  std::string text = fmt::format(
      ".TH {} 1 \"\" \"patchbay {}\" \"patchbay\"\n.SH NAME\n{} \\- {}\n.SH SYNOPSIS\n.B {}\n{}\n",
      roff(page), kVersion, roff(page), roff(verb.what), roff(verb.command()),
      roff(usage_of(verb)));
  for (auto& [title, entries] : sections_of(verb)) {
    text += fmt::format(".SH {}\n", title);
    for (const auto& [name, what] : entries) {
      text += fmt::format(".TP\n.B {}\n{}\n", roff(name), roff(what));
    }
  }
  text += ".SH EXAMPLES\n.nf\n";
  for (const std::string& line : lines_of(verb.examples)) text += roff(line) + "\n";
  text += ".fi\n.SH SEE ALSO\n";
  std::vector<std::string> others;
  for (const Verb* inner : verbs_of(verb)) {
    others.push_back(fmt::format(".BR {}\\-{} (1)", roff(page), roff(inner->last_word())));
  }
  if (others.empty()) others.emplace_back(".BR patchbay (1)");
  return text + fmt::format("{}\n", fmt::join(others, ",\n"));
}

}  // namespace patchbay::cli
