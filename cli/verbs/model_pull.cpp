// patchbay model pull: a model, downloaded into the Hugging Face cache.
#include <fmt/format.h>

#include <chrono>

#include "cli/interruption.h"
#include "cli/options.h"
#include "cli/output.h"
#include "patchbay/hub/pull.h"

namespace patchbay::cli::verbs {

const Verb& model_pull();

namespace {

// "548.1 MB"
std::string megabytes(std::uint64_t bytes) {
  constexpr double kMega = 1e6;
  constexpr std::uint64_t kSmall = 100'000;
  if (bytes < kSmall) return fmt::format("{} bytes", with_commas(bytes));
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / kMega);
}

// How far a download is: a line that moves on a terminal, now and then a line elsewhere.
class TransferDisplay {
 public:
  void note(const std::string& sentence) {
    line_.clear();
    message(sentence);
  }
  void show(const hub::FileProgress& progress) {
    using std::chrono::milliseconds;
    if (is_quiet()) return;
    const auto now = Clock::now();
    const bool fresh = progress.file != file_;
    if (fresh) {
      file_ = progress.file;
      first_ = progress.done;
      begin_ = shown_ = now;
    }
    const bool done = progress.done == progress.total;
    const milliseconds interval(line_.moves() ? 200 : 10'000);
    if (!done && !(fresh && line_.moves()) && now - shown_ < interval) return;
    shown_ = now;
    const std::uint64_t percent = progress.total == 0 ? 100 : progress.done * 100 / progress.total;
    line_.show(fmt::format("{}: {}% of {}{}", progress.file, percent, megabytes(progress.total),
                           speed(progress.done, now)));
  }
  void clear() { line_.clear(); }

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] std::string speed(std::uint64_t done, Clock::time_point now) const {
    constexpr double kShortest = 0.5;  // before that, a speed says nothing
    const double elapsed = std::chrono::duration<double>(now - begin_).count();
    if (done <= first_ || elapsed <= kShortest) return "";
    const double rate = static_cast<double>(done - first_) / elapsed;
    return fmt::format(", {}/s", megabytes(static_cast<std::uint64_t>(rate)));
  }

  StatusLine line_;
  std::string file_;
  std::uint64_t first_ = 0;  // bytes that were there when the file's turn began
  Clock::time_point begin_{};
  Clock::time_point shown_{};
};

std::string json_of(const hub::PulledModel& pulled) {
  JsonWriter json;
  json.begin_object().member("model", pulled.model.name).member("id", pulled.model.id);
  json.member("revision", pulled.model.revision).member("commit", pulled.commit);
  json.member("path", pulled.folder.string()).key("files").begin_array();
  for (const hub::PulledFile& file : pulled.files) {
    json.begin_object(JsonLayout::kInline).member("file", file.name).member("bytes", file.bytes);
    json.text_or_null("digest", file.digest).member("downloaded", file.downloaded).end_object();
  }
  return json.end_array().end_object().take();
}

std::string summary_of(const hub::PulledModel& pulled) {
  std::size_t files = 0;
  std::uint64_t bytes = 0;
  for (const hub::PulledFile& file : pulled.files) {
    if (!file.downloaded) continue;
    ++files;
    bytes += file.bytes;
  }
  const std::string what = fmt::format("{} at {}", pulled.model.id, pulled.commit);
  if (files == 0) return fmt::format("{}: everything was there", what);
  return fmt::format("{}: {} of {} files downloaded, {}", what, files, pulled.files.size(),
                     megabytes(bytes));
}

int run_given(const Given& given) {
  const hub::ModelId model = hub::model_to_pull(
      given.required("NAME", "no model is given; add a name such as gpt2, or ORG/NAME"),
      given.one("--revision"));
  const InterruptibleContext ctx(1);
  TransferDisplay display;
  const hub::Observer observer{
      .note = [&](const std::string& sentence) { display.note(sentence); },
      .progress = [&](const hub::FileProgress& progress) { display.show(progress); }};
  const hub::PulledModel pulled = hub::pull_model(ctx, hub::settings_from(), model, observer);
  display.clear();
  message(summary_of(pulled));
  write_output(given.flag("--json") ? json_of(pulled) : pulled.folder.string() + "\n");
  return 0;
}

}  // namespace

const Verb& model_pull() {
  static const Verb verb = {
      .place = 12,
      .path = "model pull",
      .what = "download a model into the Hugging Face cache",
      .examples =
          "patchbay model pull gpt2\n"
          "patchbay model pull HuggingFaceTB/SmolLM2-135M --revision main\n"
          "patchbay model pull gpt2 --quiet --json",
      .options = {{"NAME", "", "a short name such as gpt2, or ORG/NAME"},
                  {"--revision", "REV", "a branch, a tag or a commit (main)"}},
      .run = run_given};
  return verb;
}

}  // namespace patchbay::cli::verbs
