// What a study leaves behind beside its tables: its words, and what was read from each table.
#pragma once

#include <filesystem>
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
  std::vector<std::vector<std::string>> rows;  ///< as long as `columns`
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
  std::string command;  ///< "patchbay study ioi_paper"
  std::string
      attention_command;  ///< that makes the attention patterns of the head HEAD; may be empty
  std::vector<KnownHeads> known;
  std::vector<StudySection> sections;
};

/// The text of study.json.
std::string to_json(const StudyResult& study);
/// Reads it back; writing it again gives the same bytes. Every key is checked. Throws kBadData
/// naming file, key and rule.
StudyResult parse_study_result(std::string_view text, std::string_view where);
/// Throws as read_file and parse_study_result.
StudyResult read_study_result(const std::filesystem::path& path);

}  // namespace patchbay
