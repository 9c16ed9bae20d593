// What stands around every figure: what was measured, how, on what, and the command that repeats
// it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "patchbay/report/figure.h"

namespace patchbay {

/// "+0.482", "-12.3 %": three digits after the point, fewer for large numbers, "-" for no number.
std::string effect_text(double value, EffectKind effect, bool is_signed);
/// The unit of an axis: "logits", "% of clean logit_diff", "share of the gap".
std::string unit_of(const EffectTable& table, EffectKind effect);
/// "fraction = (clean - patched) / (clean - corrupted), ratio of means".
std::string effect_formula(const EffectTable& table, EffectKind effect);

/// Above a figure: metric, direction, definition of the effect and the number of prompts.
std::string caption_above(const figures::Request& request);
/// Whether a figure marks the places that the corrected test keeps.
enum class Marks { kNone, kDots };
/// Under it: baselines, intervals and tests, the prompts' form, model and command; a line each.
/// What dots mean is said where `marks` says that there are any.
std::vector<std::string> caption_below(const figures::Request& request, Marks marks = Marks::kNone);

/// Everything about one cell in one line, or nothing where the request wants no sentences: "layer
/// 9, head 6: fraction +0.482, 95 % interval 0.31 … 0.62, standard error 0.08, p = 0.04 (Holm), n =
/// 30".
std::string cell_sentence(const figures::Request& request, std::size_t cell);
/// "layer 9, head 6"
std::string cell_place(const EffectTable& table, std::size_t cell);
/// Whether the cell passed the corrected test.
bool is_significant(const figures::Request& request, std::size_t cell);

/// A picture with its title, the lines around it, and `body` of that size in the middle, in which
/// `marks` are drawn.
Drawing framed(const figures::Request& request, const Svg& body, double width, double height,
               Marks marks = Marks::kNone);

}  // namespace patchbay
