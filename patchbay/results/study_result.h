// What a study leaves behind beside its tables: its words, and what was read from each table.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace patchbay {

/// Heads that somebody has named before; figures of layers and heads circle them.
struct KnownHeads {
  std::string name;                ///< "name mover"
  std::vector<std::string> heads;  ///< "9.6": head 6 of layer 9
};

/// Rows of text under headings, and sentences that go with them.
struct StudyList {
  std::string title;
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;  ///< one text for each of `columns`
  std::vector<std::string> sentences;
};

/// One step of a study.
struct StudySection {
  std::string id;          ///< the stem of its result file; letters, digits, _ and -
  std::string experiment;  ///< "path_patching"
  std::string title;
  std::string text;      ///< what is seen, and how not to misread it
  std::string left_out;  ///< why there is no result; empty when there is one
  std::vector<StudyList> lists;
};

struct StudyResult {
  std::string title;
  std::string text;
  std::string model;
  std::string command;            ///< "patchbay study ioi_paper"
  std::string attention_command;  ///< the command that makes the attention patterns of the head
                                  ///< HEAD; may be empty
  std::vector<KnownHeads> known;
  std::vector<StudySection> sections;
};

/// The text of study.json. Throws kUsage for what parse_study_result would refuse: an id that
/// cannot name a file or names two sections, a row that is not as long as its columns.
std::string to_json(const StudyResult& study);
/// Throws kUsage for an id that cannot name a file or that `ids`, to which it is added, has
/// already, and for a row that is not as long as its columns.
void check_section(const StudySection& section, std::set<std::string>& ids);
/// Reads the text of study.json back; writing it again gives the same bytes. Every key is checked.
/// Throws kBadData naming file, key and rule.
StudyResult parse_study_result(std::string_view text, std::string_view where);
/// Throws as read_file and parse_study_result.
StudyResult read_study_result(const std::filesystem::path& path);

}  // namespace patchbay
