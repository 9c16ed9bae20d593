// The environment variables of huggingface_hub, read as it reads them.
#include "patchbay/hub/environment.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <initializer_list>

#include "patchbay/base/error.h"
#include "patchbay/hub/shipped.h"
#include "patchbay/io/file.h"

namespace patchbay::hub {
namespace {

// The first of the variables that has content.
std::optional<std::string> first_of(const Environment& environment,
                                    std::initializer_list<const char*> names) {
  for (const char* name : names) {
    auto value = environment(name);
    if (value && !value->empty()) return value;
  }
  return std::nullopt;
}

bool is_true(const std::optional<std::string>& value) {
  if (!value) return false;
  std::string upper = *value;
  std::ranges::transform(upper, upper.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return upper == "1" || upper == "ON" || upper == "YES" || upper == "TRUE";
}

std::string home_folder(const Environment& environment) {
  if (const auto home = first_of(environment, {"HOME"})) return *home;
  const passwd* user = getpwuid(getuid());
  return user != nullptr && user->pw_dir != nullptr ? user->pw_dir : "/";
}

// "~/x", "$HOME/x" and "${HOME}/x", as Python's expanduser and expandvars do; what is not set
// stays.
std::filesystem::path expanded(std::string text, const Environment& environment) {
  if (text == "~" || text.starts_with("~/")) text.replace(0, 1, home_folder(environment));
  std::string result;
  for (std::size_t i = 0; i < text.size();) {
    const bool braces = text.compare(i, 2, "${") == 0;
    const std::size_t begin = i + (braces ? 2 : 1);
    std::size_t end = begin;
    while (end < text.size() &&
           (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '_')) {
      ++end;
    }
    const bool closed = !braces || (end < text.size() && text[end] == '}');
    if (text[i] == '$' && end > begin && closed) {
      const std::size_t after = end + (braces ? 1 : 0);
      const auto value = environment(text.substr(begin, end - begin).c_str());
      result += value.value_or(text.substr(i, after - i));
      i = after;
    } else {
      result += text[i++];
    }
  }
  return result;
}

std::chrono::milliseconds read_seconds(const Environment& environment, const char* name,
                                       std::chrono::milliseconds fallback) {
  const auto text = first_of(environment, {name});
  if (!text) return fallback;
  constexpr double kMost = 86'400;
  double seconds = 0;
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, seconds);
  if (error != std::errc() || stop != end || !(seconds > 0 && seconds <= kMost)) {
    throw Error(ErrorKind::kUsage, name,
                "is not a number of seconds above 0 and up to 86400; correct or unset it");
  }
  return std::chrono::milliseconds(
      std::max<std::int64_t>(1, static_cast<std::int64_t>(seconds * 1e3)));
}

std::string read_endpoint(const Environment& environment) {
  std::string endpoint = first_of(environment, {"HF_ENDPOINT"}).value_or("https://huggingface.co");
  while (endpoint.ends_with('/')) endpoint.pop_back();
  return endpoint;
}

std::string without_spaces(std::string text) {
  std::erase_if(text, [](char c) { return c == '\r' || c == '\n'; });
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.back())) text.pop_back();
  text.erase(text.begin(), std::ranges::find_if_not(text, is_space));
  return text;
}

}  // namespace

std::optional<std::string> process_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

Settings settings_from(const Environment& environment) {
  if (!environment) {
    throw Error(ErrorKind::kUsage, "environment", "no function reads the variables; give one");
  }
  const std::filesystem::path cache_home =
      first_of(environment, {"XDG_CACHE_HOME"}).value_or(home_folder(environment) + "/.cache");
  const auto hf_home = first_of(environment, {"HF_HOME"});
  const std::filesystem::path home =
      expanded(hf_home.value_or((cache_home / "huggingface").string()), environment);
  const auto cache = first_of(environment, {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"});
  const auto token_file = first_of(environment, {"HF_TOKEN_PATH"});

  Settings settings;
  settings.cache = cache ? expanded(*cache, environment) : home / "hub";
  settings.endpoint = read_endpoint(environment);
  settings.offline = is_true(first_of(environment, {"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"}));
  settings.token_file = token_file ? expanded(*token_file, environment) : home / "token";
  settings.token = first_of(environment, {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}).value_or("");
  settings.send_token = !is_true(first_of(environment, {"HF_HUB_DISABLE_IMPLICIT_TOKEN"}));
  settings.certificates =
      first_of(environment, {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"}).value_or("");
  settings.model_folders = shipped_model_folders();
  if (const auto own = first_of(environment, {"PATCHBAY_MODELS"})) {
    settings.model_folders.insert(settings.model_folders.begin(), expanded(*own, environment));
  }
  settings.stall = read_seconds(environment, "PATCHBAY_HUB_STALL_SECONDS", settings.stall);
  settings.pause = read_seconds(environment, "PATCHBAY_HUB_RETRY_SECONDS", settings.pause);
  return settings;
}

std::string read_token(const Settings& settings) {
  if (!settings.send_token) return "";
  constexpr std::uint64_t kLongest = 65'536;
  std::string token = without_spaces(settings.token);
  std::error_code ignored;
  if (token.empty() && std::filesystem::is_regular_file(settings.token_file, ignored)) {
    token = without_spaces(read_file(settings.token_file, kLongest));
  }
  if (!std::ranges::all_of(token, [](char c) { return c > ' ' && c < '\x7f'; })) {
    throw Error(ErrorKind::kUsage, "hub",
                fmt::format("the token of HF_TOKEN or {} has characters that no token has; copy it "
                            "again",
                            settings.token_file.string()));
  }
  return token;
}

}  // namespace patchbay::hub
