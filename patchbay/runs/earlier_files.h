// What is in a folder already when results are to go there: of the same question it is replaced, of
// another one it is not touched.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "patchbay/runs/question.h"

namespace patchbay::runs {

/// Throws kUsage, naming what differs, when files of the result STEM are in the folder and answer
/// another question or none that can be read: `overwrite` of Output is the way to have them
/// replaced.
void refuse_other_result(const std::string& folder, const std::string& stem,
                         const Question& question);

/// Makes way for the files of a result in the formats, and leaves a note of the question where no
/// JSON file will tell it, as FOLDER/STEM.question. What is there of another question, or of
/// another version, goes: its pictures too, which would stay beside a table that they do not show.
void make_way_for(const std::string& folder, const std::string& stem, const Question& question,
                  std::span<const std::string> formats);

/// Throws kUsage when the folder holds another study than the one of that name, or, where the
/// formats have html, a page report.html of something else.
void refuse_other_study(const std::string& folder, const std::string& study,
                        std::span<const std::string> formats);
/// Leaves a note of the study where no study.json will tell it, and removes it where one will.
void note_study(const std::string& folder, const Question& question,
                std::span<const std::string> formats);

/// Throws kUsage when the folder holds a result STEM of another question, beside which pictures of
/// this one would stand.
void refuse_pictures_beside_other(const std::string& folder, const std::string& stem,
                                  const Question& question);
/// Throws kUsage when FOLDER/STEM.html is there and this command did not make it.
void refuse_other_page(const std::string& folder, const std::string& stem,
                       std::string_view command);

}  // namespace patchbay::runs
