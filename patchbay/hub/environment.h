// Where models are looked for and how the hub is reached, from the environment variables that
// huggingface_hub reads.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace patchbay::hub {

/// What name resolution and downloads need to know.
struct Settings {
  std::filesystem::path cache;       ///< the folder of models--ORG--NAME folders
  std::string endpoint;              ///< "https://huggingface.co", without a slash at its end
  bool offline = false;              ///< no socket is opened
  std::filesystem::path token_file;  ///< read only when something is downloaded
  std::string token{};               ///< HF_TOKEN, empty when not set; never shown to anybody
  bool send_token = true;
  std::string certificates{};  ///< a file of trusted certificates; empty for the system's
  std::vector<std::filesystem::path>
      model_folders{};                      ///< where NAME/config.json of a shipped model may be
  std::chrono::milliseconds stall{30'000};  ///< a transfer below 1 KiB/s for that long is cut
  std::chrono::milliseconds pause{1'000};   ///< before the first new attempt; doubles from then on
};

/// The value of an environment variable, if it is set.
using Environment = std::function<std::optional<std::string>(const char* name)>;

/// This process's environment.
std::optional<std::string> process_environment(const char* name);

/// Reads HF_HUB_CACHE (or HUGGINGFACE_HUB_CACHE), HF_HOME, XDG_CACHE_HOME and HOME for the cache;
/// HF_ENDPOINT; HF_HUB_OFFLINE (or TRANSFORMERS_OFFLINE); HF_TOKEN (or HUGGING_FACE_HUB_TOKEN),
/// HF_TOKEN_PATH and HF_HUB_DISABLE_IMPLICIT_TOKEN; REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or
/// SSL_CERT_FILE; PATCHBAY_MODELS; and, for tests, PATCHBAY_HUB_STALL_SECONDS and
/// PATCHBAY_HUB_RETRY_SECONDS. A variable without content counts as not set. Throws kUsage, with
/// the variable's name, for a value that means nothing, and when `environment` holds no function.
Settings settings_from(const Environment& environment = process_environment);

/// The token to send: the variable's, else the file's, empty when there is none. Throws kUsage for
/// one that does not fit into a header. Its text appears in no message.
std::string read_token(const Settings& settings);

}  // namespace patchbay::hub
