// Result tables as pictures in files, and pages in files.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/circuits/circuit.h"
#include "patchbay/report/figure.h"
#include "patchbay/report/page.h"
#include "patchbay/results/effect_table.h"
#include "patchbay/results/study_result.h"

namespace patchbay::runs {

/// A table and how it is to be shown.
struct Picture {
  const EffectTable& table;
  std::string title{};
  std::optional<std::string> figure{};  ///< this one alone
  std::optional<EffectKind> effect{};   ///< instead of the table's own
  std::span<const KnownHeads> known{};
};

/// Whether it is svg, png or pdf.
bool is_picture_format(std::string_view format);

/// The formats of a run's files, and html where there is a page to write.
std::vector<std::string> known_formats(bool has_page);

/// Throws kUsage, with the nearest name, for a format that is neither a table's nor a picture's;
/// html is one where there is a page to write.
void check_formats(std::span<const std::string> formats, bool has_page);

/// The figures that show the table, or the one that was asked for. Throws kUsage when that one
/// cannot.
std::vector<const figures::Figure*> figures_of(const Picture& picture);

/// Writes FOLDER/STEM.FIGURE.svg, .png and .pdf, as far as `formats` name them, each whole or not
/// at all; returns the paths.
std::vector<std::filesystem::path> write_pictures(const Picture& picture, const std::string& folder,
                                                  const std::string& stem,
                                                  std::span<const std::string> formats);

/// Throws kUsage when formats that are files of their own are to go into `out`, which ends in
/// .html.
void check_place(const std::string& out, std::span<const std::string> formats);
/// Writes the page to `out` if that ends in .html, else to OUT/STEM.html; returns the path.
std::filesystem::path write_page(const Page& page, const std::string& out, const std::string& stem);

/// Which files a page becomes.
struct PageFiles {
  std::string out{};   ///< a folder, or for html alone a file that ends in .html
  std::string stem{};  ///< of the page's file in a folder: "report"
  std::vector<std::string> formats{"html"};
  std::optional<std::string> figure{};  ///< as Picture's
  std::optional<std::string> title{};   ///< of pictures, instead of their sections' own
  bool overwrite = false;  ///< a page of another command, pictures beside another result
};
/// Writes the pictures of every section that has a table, as OUT/ID.FIGURE.svg and so on, and with
/// html among the formats the page; `wrote` is told each path as soon as the file is there, and may
/// be empty. Throws kUsage where pictures would stand beside another result of their stem, or the
/// page replace one that another command made, unless that is to be overwritten or `out` names the
/// page's file; and as write_pictures and write_page, and what stop_check throws.
void write_files(const Page& page, const PageFiles& files,
                 const std::function<void(const std::filesystem::path&)>& wrote);

/// The classes of a circuit, as heads to circle.
std::vector<KnownHeads> known_heads(const Circuit& circuit);
/// Heads to circle: of a result file of find_circuit, of a published circuit of GPT-2 small, or as
/// parse_circuit reads them. Throws kUsage, and as read_result.
std::vector<KnownHeads> known_heads(const std::string& circuit);

}  // namespace patchbay::runs
