#include "patchbay/report/terminal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "patchbay/base/utf8.h"
#include "patchbay/base/visible_text.h"
#include "patchbay/report/caption.h"
#include "patchbay/report/colour.h"
#include "patchbay/report/grid.h"

namespace patchbay {
namespace {

constexpr int kLeastWidth = 60;
constexpr std::size_t kLongestLabel = 18;

std::size_t length_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string padded(std::string_view text, std::size_t width, bool right) {
  const std::size_t length = length_of(text);
  const std::string space(width > length ? width - length : 0, ' ');
  return right ? space + std::string(text) : std::string(text) + space;
}

// The nearest of the 6 × 6 × 6 cube, or of the 24 greys.
int of_256(Rgb colour) {
  const auto step = [](int channel) {
    return channel < 48 ? 0 : channel < 115 ? 1 : (channel - 35) / 40;
  };
  const auto level = [](int s) { return s == 0 ? 0 : 55 + 40 * s; };
  const int r = step(colour.red);
  const int g = step(colour.green);
  const int b = step(colour.blue);
  const auto square = [](int x) { return x * x; };
  const int cube = square(level(r) - colour.red) + square(level(g) - colour.green) +
                   square(level(b) - colour.blue);
  const int mean = (colour.red + colour.green + colour.blue) / 3;
  const int grey = std::clamp((mean - 3) / 10, 0, 23);
  const int of_grey = square(8 + 10 * grey - colour.red) + square(8 + 10 * grey - colour.green) +
                      square(8 + 10 * grey - colour.blue);
  return of_grey < cube ? 232 + grey : 16 + 36 * r + 6 * g + b;
}

// A background of the eight and their bright twins, for -1 … 1.
int of_16(double share, bool is_signed) {
  if (std::isnan(share)) return 100;
  const double size = std::abs(share);
  if (!is_signed) return size < 0.2 ? 107 : size < 0.5 ? 46 : size < 0.8 ? 104 : 44;
  if (size < 0.15) return 107;
  if (share > 0) return size < 0.5 ? 101 : 41;
  return size < 0.5 ? 104 : 44;
}

class TerminalMap {
 public:
  TerminalMap(const figures::Request& request, const TerminalStyle& style)
      : cells_(figures::cells_of(request)), grid_(grid_of(request.table)), colours_(style.colours) {
    std::vector<double> values;
    for (const CellSummary& cell : cells_) values.push_back(cell.value);
    scale_ = scale_of(values, request.table.direction != Direction::kNone);
    for (const std::string& label : grid_.rows.labels) {
      left_ = std::max(left_, length_of(shown(label, kLongestLabel)));
    }
    if (colours_ != TerminalColours::kNone) left_ = 2 * left_ + 1;  // "10/11"
    left_ = std::max(left_, length_of(grid_.rows.name));
    std::size_t widest = 1;
    for (const std::string& label : grid_.columns.labels) {
      widest = std::max(widest, length_of(shown(label, kLongestLabel)));
    }
    const auto room = static_cast<std::size_t>(std::max(style.width, kLeastWidth)) - left_ - 1;
    const std::size_t columns = grid_.columns.labels.size();
    cell_ = std::clamp(room / columns, std::size_t{3}, std::size_t{8});
    cell_ = std::min(cell_, std::max(widest + 1, std::size_t{4}));
    at_once_ = std::max<std::size_t>(room / cell_, 1);
  }

  std::string str() const {
    std::string text;
    for (const GridPanel& panel : grid_.panels) {
      if (!panel.title.empty()) text += panel.title + "\n";
      for (std::size_t first = 0; first < grid_.columns.labels.size(); first += at_once_) {
        block(text, panel, first, std::min(first + at_once_, grid_.columns.labels.size()));
      }
    }
    return text + legend();
  }

 private:
  static std::string shown(std::string_view label, std::size_t most) {
    return visible_text(label, most);
  }

  void block(std::string& text, const GridPanel& panel, std::size_t first, std::size_t last) const {
    text +=
        padded(fmt::format("{}", grid_.rows.name), left_, false) + " " + grid_.columns.name + "\n";
    text += std::string(left_ + 1, ' ');
    for (std::size_t column = first; column < last; ++column) {
      text += padded(shown(grid_.columns.labels[column], cell_ - 1), cell_, false);
    }
    while (text.ends_with(' ')) text.pop_back();
    text += '\n';
    const std::size_t rows = grid_.rows.labels.size();
    const std::size_t step = colours_ == TerminalColours::kNone ? 1 : 2;
    for (std::size_t row = 0; row < rows; row += step) {
      const bool pair = step == 2 && row + 1 < rows;
      std::string label = shown(grid_.rows.labels[row], kLongestLabel);
      if (pair) label += "/" + shown(grid_.rows.labels[row + 1], kLongestLabel);
      text += padded(label, left_, true) + " ";
      for (std::size_t column = first; column < last; ++column) {
        const double upper = cells_[grid_.cell(panel, row, column)].value;
        if (step == 1) {
          text += padded(sign_and_digit(upper), cell_, false);
        } else {
          const double lower = pair ? cells_[grid_.cell(panel, row + 1, column)].value : upper;
          text += coloured(upper, lower, pair);
        }
      }
      while (text.ends_with(' ')) text.pop_back();
      text += '\n';
    }
  }

  [[nodiscard]] std::string sign_and_digit(double value) const {
    if (std::isnan(value)) return "?";
    const auto digit = std::lround(9.0 * std::min(std::abs(value) / scale_.limit, 1.0));
    if (digit == 0) return " .";
    return fmt::format("{}{}", value < 0.0 ? '-' : scale_.is_signed ? '+' : ' ', digit);
  }

  // Half blocks: the upper row is ink, the lower row paper. A last row alone has no lower half.
  [[nodiscard]] std::string coloured(double upper, double lower, bool pair) const {
    std::string blocks;
    for (std::size_t i = 0; i < cell_; ++i) blocks += "▀";
    if (colours_ == TerminalColours::k16) {
      const int ink = of_16(upper / scale_.limit, scale_.is_signed) - 10;
      const int paper = pair ? of_16(lower / scale_.limit, scale_.is_signed) : 49;
      return fmt::format("\x1b[{};{}m{}\x1b[0m", ink, paper, blocks);
    }
    const Rgb ink = scale_.of(upper);
    const Rgb paper = scale_.of(lower);
    if (colours_ == TerminalColours::k256) {
      return fmt::format("\x1b[38;5;{};{}m{}\x1b[0m", of_256(ink),
                         pair ? fmt::format("48;5;{}", of_256(paper)) : "49", blocks);
    }
    return fmt::format(
        "\x1b[38;2;{};{};{};{}m{}\x1b[0m", ink.red, ink.green, ink.blue,
        pair ? fmt::format("48;2;{};{};{}", paper.red, paper.green, paper.blue) : "49", blocks);
  }

  [[nodiscard]] std::string legend() const {
    const double low = scale_.is_signed ? -scale_.limit : 0.0;
    if (colours_ == TerminalColours::kNone) {
      return fmt::format("9 is {:.3g}, . is less than {:.2g}, ? is no number\n", scale_.limit,
                         scale_.limit / 18.0);
    }
    std::string bar;
    const std::size_t steps = 11;
    for (std::size_t i = 0; i < steps; ++i) {
      const double value = low + (scale_.limit - low) * static_cast<double>(i) / (steps - 1.0);
      std::string cell = coloured(value, value, true);
      bar += cell.substr(0, cell.find("▀")) + "▀\x1b[0m";
    }
    return fmt::format("{:.3g} {} {:.3g}\n", low, bar, scale_.limit);
  }

  const std::vector<CellSummary>& cells_;
  Grid grid_;
  TerminalColours colours_;
  ColourScale scale_;
  std::size_t left_ = 0;
  std::size_t cell_ = 4;
  std::size_t at_once_ = 1;
};

}  // namespace

std::string terminal_heat_map(const figures::Request& request, const TerminalStyle& style) {
  return TerminalMap(request, style).str();
}

}  // namespace patchbay
