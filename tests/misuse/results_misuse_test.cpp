// Tables, statistics, figures and pages refuse wrong calls.
#include <limits>
#include <set>

#include "patchbay/report/attention.h"
#include "patchbay/report/axis_scale.h"
#include "patchbay/report/caption.h"
#include "patchbay/report/colour.h"
#include "patchbay/report/figure.h"
#include "patchbay/report/grid.h"
#include "patchbay/report/layered_layout.h"
#include "patchbay/report/page.h"
#include "patchbay/report/page_data.h"
#include "patchbay/report/raster.h"
#include "patchbay/report/result_text.h"
#include "patchbay/report/rows.h"
#include "patchbay/report/svg.h"
#include "patchbay/report/terminal.h"
#include "patchbay/results/circuit_graph.h"
#include "patchbay/results/comparison.h"
#include "patchbay/results/correlation.h"
#include "patchbay/results/effect_table.h"
#include "patchbay/results/metric_traits.h"
#include "patchbay/results/prompt_identity.h"
#include "patchbay/results/resampling.h"
#include "patchbay/results/result_csv.h"
#include "patchbay/results/result_json.h"
#include "patchbay/results/result_npz.h"
#include "patchbay/results/statistics.h"
#include "patchbay/results/study_result.h"
#include "patchbay/study/views.h"
#include "tests/misuse/misuse.h"
#include "tests/results/results_testing.h"
#include "tests/support/temporary_directory.h"

namespace patchbay {
namespace {

using testing::expect_refused;
using testing::small_table;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Two cells of three prompts each, but values for one alone.
EffectTable torn_table() {
  EffectTable table = small_table();
  table.values.resize(3);
  return table;
}

TEST(ResultMisuse, OfTablesIsRefused) {
  const EffectTable table = small_table();
  const EffectTable torn = torn_table();
  const EffectTable none;
  EffectTable one_side = small_table();
  one_side.baselines.corrupted.clear();
  one_side.direction = Direction::kNoise;
  one_side.effect = EffectKind::kRaw;
  EffectTable edges = small_table();
  edges.axes[0] = {"edge", {"0.0@END -> logits", "0.1@END -> logits"}};
  const char* const rule = "3 values, but the axes make 12";
  expect_refused({
      {"value", [&] { (void)table.value(0, 3); }, "no prompt 3; there are 0 to 2"},
      {"value", [&] { (void)table.value(0, -1); }, "no prompt -1"},
      {"value", [&] { (void)none.value(0, 0); }, "no prompt 0; there are none"},
      {"cell_values", [&] { (void)table.cell_values(4); }, "no cell 4; there are 0 to 3"},
      {"cell_values", [&] { (void)torn.cell_values(1); }, rule},
      {"cell_labels", [&] { (void)table.cell_labels(-1); }, "no cell -1"},
      {"cell_labels", [&] { (void)none.cell_labels(0); }, "no cell 0"},
      {"check", [&] { torn.check(); }, rule},
      {"parse_direction", [] { (void)parse_direction(""); }, "no direction \"\""},
      {"parse_effect_kind", [] { (void)parse_effect_kind("no such"); }, "no effect \"no such\""},
      {"table_statistics", [&] { (void)table_statistics(torn); }, rule},
      {"table_statistics", [&] { (void)table_statistics(none); }, "the last axis"},
      {"table_statistics", [&] { (void)table_statistics(table, {.bootstrap_resamples = 0}); },
       "bootstrap_resamples is 0"},
      {"table_statistics", [&] { (void)table_statistics(table, {.confidence = kNaN}); },
       "confidence is nan"},
      {"table_statistics", [&] { (void)table_statistics(table, {.smallest_gap = -1}); },
       "smallest_gap is -1"},
      {"summarize",
       [&] { (void)summarize(one_side, EffectKind::kFraction, Aggregate::kRatioOfMeans); },
       "has no effect fraction"},
      {"sign_flip_test", [&] { (void)sign_flip_test(torn); }, rule},
      {"sign_flip_test", [&] { (void)sign_flip_test(table, {.bootstrap_resamples = -1}); },
       "bootstrap_resamples is -1"},
      {"prompt_clusters", [&] { (void)prompt_clusters(torn); }, rule},
      {"n_distinct_prompts", [&] { (void)n_distinct_prompts(torn); }, rule},
      {"prompt_identities", [&] { (void)prompt_identities(torn, PromptParts::kWhole, true); },
       rule},
      {"metric_of_cell", [&] { (void)metric_of_cell(table, -1); }, "no cell -1"},
      {"can_change_sign", [&] { (void)can_change_sign(table, 4); }, "no cell 4"},
      {"prompts_text", [&] { (void)prompts_text(table, {}, EffectKind::kRaw); }, "no effect raw"},
      {"notes_of", [&] { (void)notes_of(table, {}, EffectKind::kRaw); }, "no effect raw"},
      {"compare", [&] { (void)compare(torn, table, EffectKind::kRaw); }, rule},
      {"compare", [&] { (void)compare(table, none, EffectKind::kRaw); }, "the last axis"},
      {"compare", [&] { (void)compare(table, one_side, EffectKind::kFraction); }, "no effect"},
      {"to_json", [&] { (void)to_json(torn); }, rule},
      {"to_csv", [&] { (void)to_csv(torn); }, rule},
      {"write_npz", [&] { write_npz("/no/such/folder/x.npz", torn); }, rule},
      {"write_csv", [&] { write_csv("/no/such/folder/x.csv", table); }, "/no/such/folder",
       ErrorKind::kCannotCreate},
      {"write_json", [&] { write_json("/", table); }, "/", ErrorKind::kCannotCreate},
      {"read_result", [] { (void)read_result("/"); }, "/", ErrorKind::kNoInput},
      {"parse_result", [] { (void)parse_result("", "here"); }, "here", ErrorKind::kBadData},
      {"edges_of", [&] { (void)edges_of(table); }, "has no edges", ErrorKind::kBadData},
      {"layer_of_node", [] { (void)layer_of_node(""); }, "is not a head", ErrorKind::kBadData},
      {"layer_of_node", [] { (void)layer_of_node("-1.0"); }, "is not a head", ErrorKind::kBadData},
      {"circuit_dot", [&] { (void)circuit_dot(edges); }, "4 cells for 2 edges"},
      {"view_of", [&] { (void)view_of(torn, "top:3"); }, rule},
      {"view_of", [&] { (void)view_of(table, "no such"); }, "no view \"no such\""},
      {"view_of", [&] { (void)view_of(table, "top:-1"); }, "number"},
      {"check_view", [] { (void)check_view(""); }, "no view \"\""},
  });
}

TEST(ResultMisuse, OfNumbersIsRefused) {
  std::vector<double> none;
  std::vector<double> two = {1, 2};
  StudySection section;
  section.id = "a";
  StudyResult same;
  same.sections = {section, section};
  StudyResult bad_id;
  bad_id.sections.emplace_back().id = "a/b";
  StudyResult ragged;
  ragged.sections = {section};
  StudyList& list = ragged.sections[0].lists.emplace_back();
  list.columns = {"c"};
  list.rows = {{}};
  expect_refused({
      {"correlation", [&] { (void)correlation(two, none); }, "2 numbers and 0"},
      {"Resampling", [] { Resampling(0, 1, 0); }, "0 prompts"},
      {"Resampling", [] { Resampling(1, -1, 0); }, "-1 resamples"},
      {"Resampling::sums", [&] { (void)Resampling(1, 1, 0).sums(two); }, "2 values for 1 prompts"},
      {"central_interval", [&] { (void)central_interval(none, 0.95); }, "no interval"},
      {"central_interval", [&] { (void)central_interval(two, kNaN); }, "confidence is nan"},
      {"to_json", [&] { (void)to_json(same); }, "\"a\" is given twice"},
      {"to_json", [&] { (void)to_json(bad_id); }, "cannot name a file"},
      {"to_json", [&] { (void)to_json(ragged); }, "0 texts, but there are 1 columns"},
      {"read_study_result", [] { (void)read_study_result("/"); }, "/", ErrorKind::kNoInput},
  });
}

TEST(ReportMisuse, OfFiguresIsRefused) {
  const EffectTable table = small_table();
  const EffectTable torn = torn_table();
  const TableStatistics statistics = table_statistics(table);
  const EffectTable other = testing::raw_table({{1, 2}});
  const TableStatistics of_other = table_statistics(other);
  const figures::Request good = {.table = table, .statistics = statistics, .effect = table.effect};
  const figures::Request no_effect = {
      .table = other, .statistics = of_other, .effect = EffectKind::kFraction};
  const TableStatistics no_statistics;
  const figures::Request none = {
      .table = table, .statistics = no_statistics, .effect = table.effect};
  const figures::Request mixed = {
      .table = table, .statistics = of_other, .effect = EffectKind::kRaw};
  const figures::Request broken = {.table = torn, .statistics = statistics, .effect = table.effect};
  const figures::Figure& heat_map = figures::find("heat_map");
  const figures::Figure unfinished = {
      .name = "mine", .summary = "", .reading = "", .can_show = {}, .drawer = {}};
  const AttentionPatterns patterns = {.heads = {{"0.0", 0}}, .positions = 1};
  const figures::Rows ragged = {.columns = {"a", "b"}, .rows = {{"x"}}};
  expect_refused({
      {"figures::find", [] { (void)figures::find(""); }, "no figure \"\""},
      {"Figure::fits", [&] { (void)heat_map.fits(torn); }, "the axes make 12"},
      {"Figure::draw", [&] { (void)heat_map.draw(broken); }, "the axes make 12"},
      {"Figure::draw", [&] { (void)heat_map.draw(mixed); }, "statistics are of 1 cells"},
      {"Figure::draw", [&] { (void)heat_map.draw(none); }, "has no effect fraction"},
      {"Figure::draw", [&] { (void)figures::find("attention_pattern").draw(good); },
       "cannot be shown so"},
      {"Figure::draw", [&] { (void)unfinished.draw(good); }, "cannot be shown so"},
      {"Figure::rows", [&] { (void)heat_map.rows(good); }, "is not rows of text"},
      {"figures::fitting", [&] { (void)figures::fitting(torn); }, "the axes make 12"},
      {"figures::cells_of", [&] { (void)figures::cells_of(no_effect); }, "no effect fraction"},
      {"terminal_heat_map", [&] { (void)terminal_heat_map(mixed, {}); }, "of 1 cells"},
      {"cell_sentence", [&] { (void)cell_sentence(good, 4); }, "no cell 4"},
      {"cell_place", [&] { (void)cell_place(table, 4); }, "no cell 4"},
      {"grid_of", [&] { (void)grid_of(torn); }, "the axes make 12"},
      {"head_of", [&] { (void)head_of(table, 4); }, "no cell 4"},
      {"tokens_of",
       [&] {
         EffectTable with_tokens = small_table();
         with_tokens.columns = {{"clean tokens", {"a", "b", "c"}}};
         (void)tokens_of(with_tokens, 3);
       },
       "no prompt 3"},
      {"attention_of", [&] { (void)attention_of(torn); }, "the axes make 12"},
      {"AttentionPatterns::weight", [&] { (void)patterns.weight(table, 1, 0, 0, 0); }, "no head 1"},
      {"AttentionPatterns::weight", [&] { (void)patterns.weight(table, 0, 0, 1, 0); },
       "no position 1"},
      {"draw_rows", [&] { (void)draw_rows(good, ragged); }, "1 texts, but there are 2 columns"},
      {"is_numeric_column", [&] { (void)is_numeric_column(ragged, 1); }, "no column 1"},
  });
}

TEST(ReportMisuse, OfShapesAndPagesIsRefused) {
  Svg svg;
  Svg open;
  open.begin_group(0, 0);
  const Tiling none = {.across = 0, .width = 1, .height = 1};
  const std::string drawing = svg_file({.width = 4, .height = 4, .label = "", .markup = ""});
  Page page;
  page.sections.resize(1);
  page.sections[0].section.id = "a";
  page.sections[0].table = torn_table();
  Page bad_id;
  bad_id.sections.resize(1);
  bad_id.sections[0].section.id = "\"><script>";
  expect_refused({
      {"Svg::rect", [&] { svg.rect(kNaN, 0, 1, 1, {}); }, "a length of nan"},
      {"Svg::text", [&] { svg.text(0, kInfinity, "x"); }, "a length of inf"},
      {"balanced_row", [] { (void)balanced_row(3, 0); }, "rows of 0 parts"},
      {"Svg::end_group", [&] { svg.end_group(); }, "no group is open"},
      {"Svg::markup", [&] { (void)open.markup(); }, "1 groups are open"},
      {"Tiling::x", [&] { (void)none.x(1); }, "0 parts in a row"},
      {"Tiling::y", [&] { (void)none.y(1); }, "0 parts in a row"},
      {"Tiling::total_width", [&] { (void)none.total_width(1); }, "0 parts in a row"},
      {"wrapped", [] { (void)wrapped("a b", 0.0); }, "0 pixels"},
      {"wrapped", [] { (void)wrapped("a b", kNaN); }, "nan pixels"},
      {"axis_over",
       [] {
         (void)axis_over(std::vector<double>{-1e308, 1e308}, 100, false);
       },
       "no axis goes from"},
      {"axis_over",
       [] {
         (void)axis_over(std::vector<double>{0.0, 5e-324}, 100, false);
       },
       "no axis goes from"},
      {"ColourScale::of", [] { (void)ColourScale{.limit = 0.0}.of(1.0); }, "cannot end at 0"},
      {"ColourScale::of", [] { (void)ColourScale{.limit = kNaN}.of(1.0); }, "cannot end at nan"},
      {"png_of", [&] { (void)png_of(drawing, 0.0); }, "0 pixels a unit"},
      {"png_of", [&] { (void)png_of(drawing, kNaN); }, "nan pixels a unit"},
      {"png_of", [&] { (void)png_of(drawing, 1e9); }, "too large", ErrorKind::kInputOutput},
      {"layered_layout", [] { (void)layered_layout({}); }, "there are no nodes"},
      {"png_of", [] { (void)png_of("no svg"); }, "give an SVG"},
      {"pdf_of", [] { (void)pdf_of(""); }, "give an SVG"},
      {"html_page", [&] { (void)html_page(page); }, "the axes make 12"},
      {"html_page", [&] { (void)html_page(bad_id); }, "cannot name a file"},
      {"page_data", [&] { (void)page_data(page, {}); }, "0 tables for 1 sections"},
      {"section_text", [&] { (void)section_text({}, small_table(), {{"no list"}}, {}); },
       "no list for the view \"no list\""},
      {"section_text", [&] { (void)section_text({}, torn_table(), {}, {}); }, "the axes make 12"},
  });
}

}  // namespace
}  // namespace patchbay
