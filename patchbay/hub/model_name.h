// Names of models on the hub: short names that everybody uses, and ORG/NAME@REVISION.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace patchbay::hub {

/// A short name and the repository it stands for.
struct KnownModel {
  std::string_view name;  ///< "gpt2"
  std::string_view id;    ///< "openai-community/gpt2"
  /// The repository's id before ids had an organisation, empty for those that always had one.
  /// Caches that are old enough hold it under that name.
  std::string_view old_id;
};

/// Every short name, in the order of families and sizes.
std::span<const KnownModel> known_models();

/// A repository and a revision of it: a branch, a tag or a commit.
struct ModelId {
  std::string id;        ///< "openai-community/gpt2"
  std::string old_id;    ///< "gpt2" or empty
  std::string name;      ///< the short name, or the id where there is none
  std::string revision;  ///< "main" unless given
};

/// Reads a short name, NAME or ORG/NAME, with @REVISION behind it or without. Nothing when the text
/// can be neither, as a path cannot.
std::optional<ModelId> read_model_id(std::string_view text);

/// The model that is to be downloaded: its name as read_model_id takes it, and a revision when the
/// name has none. Throws kUsage for a name that is no model's on the hub, a revision that is none,
/// and one that is given twice.
ModelId model_to_pull(const std::string& name, const std::optional<std::string>& revision = {});

/// Letters, digits and "._-", one slash at most, no "..", no "--": what the hub allows, and what is
/// safe as the name of a folder.
bool is_repository_id(std::string_view id);
/// A branch, a tag or a commit that is safe as a path below refs/: no empty part, no "..".
bool is_revision(std::string_view revision);
/// Forty digits of a hexadecimal number.
bool is_commit(std::string_view revision);

}  // namespace patchbay::hub
