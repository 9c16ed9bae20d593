// Result files as one page: single files, folders of them, and folders that a study wrote.
#pragma once

#include <string>
#include <vector>

#include "patchbay/report/page.h"
#include "patchbay/results/effect_table.h"

namespace patchbay::runs {

/// A section for every result: the file's name is its title and, where an earlier section has it
/// already, its id gets a number. Of a folder with study.json the study's words come too; of
/// another all its .json files in the order of names. The page has the title, words and command of
/// the first study, and the model of the last result where no study names one. Throws kNoInput for
/// a folder without results, and as read_result and read_study_result.
Page page_of_files(const std::vector<std::string>& inputs);

/// Shows every result by this effect, instead of its own. Throws kUsage, naming the first section
/// that does not have it.
void show_effect(Page& page, EffectKind effect);

}  // namespace patchbay::runs
