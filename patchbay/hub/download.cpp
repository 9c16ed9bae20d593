// One file of a repository, downloaded.
#include "patchbay/hub/download.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "patchbay/base/error.h"
#include "patchbay/hub/cache_writer.h"
#include "patchbay/hub/digest.h"
#include "patchbay/hub/patience.h"

namespace patchbay::hub {
namespace {

constexpr int kOk = 200;
constexpr int kPartialContent = 206;
constexpr int kRangeNotSatisfiable = 416;

// "bytes 100-199/200"
bool begins_at(const HttpResponse& answer, std::uint64_t begin, std::uint64_t total) {
  const std::string range = answer.header("content-range").value_or("");
  return range.starts_with(fmt::format("bytes {}-", begin)) &&
         (range.ends_with(fmt::format("/{}", total)) || range.ends_with("/*"));
}

// The attempts at one blob.
class Download {
 public:
  Download(const DownloadContext& context, const RemoteFile& file, const Announced& announced,
           const std::filesystem::path& blob)
      : context_(context),
        file_(file),
        announced_(announced),
        partial_(blob),
        digest_(new_digest()),
        patience_(context.ctx, context.settings) {}

  bool run() {
    if (partial_.size() > announced_.bytes) partial_.clear();
    add_file(context_.ctx, digest_, partial_.path(), partial_.size());
    if (partial_.size() > 0) {
      note(fmt::format("{}: continuing at byte {} of {}", file_.name, partial_.size(),
                       announced_.bytes));
    }
    while (true) {
      if (partial_.size() == announced_.bytes) {
        const std::string found = digest_.finish();
        if (found == announced_.etag) break;
        start_again();
        mismatch(found);
      }
      const std::uint64_t before = partial_.size();
      const auto failure = attempt();
      if (changed_) {
        std::error_code ignored;
        std::filesystem::remove(partial_.path(), ignored);
        return false;
      }
      if (!failure) continue;
      patience_.received(partial_.size() - std::min(before, partial_.size()));
      note(fmt::format("{}: {}; trying again", file_.name, *failure));
      patience_.wait(fmt::format("{} of {}", file_.name, file_.id), *failure, retry_after_);
    }
    partial_.commit();
    return true;
  }

 private:
  [[nodiscard]] Digest new_digest() const {
    return {digest_kind(announced_.etag), announced_.bytes};
  }
  void start_again() {
    partial_.clear();
    digest_ = new_digest();
  }
  void note(const std::string& sentence) const {
    if (context_.observer.note) context_.observer.note(sentence);
  }
  void report() const {
    if (!context_.observer.progress) return;
    context_.observer.progress({file_.name, partial_.size(), announced_.bytes});
  }

  // The first time, old bytes of the partial file may be to blame.
  void mismatch(const std::string& found) {
    if (std::exchange(mismatched_, true)) {
      throw Error(ErrorKind::kNetwork, "hub",
                  fmt::format("{} of {}: the content's {} is {}, but {} was announced, twice; "
                              "nothing is kept; try again later",
                              file_.name, file_.id, name_of(digest_kind(announced_.etag)), found,
                              announced_.etag));
    }
    note(fmt::format("{}: the content is damaged; fetching it again", file_.name));
  }

  // One request. What went wrong, if anything did that may pass.
  std::optional<std::string> attempt() {
    HttpRequest request{.url = address_of(context_.client, file_)};
    if (partial_.size() > 0) {
      request.headers.push_back(fmt::format("Range: bytes={}-", partial_.size()));
      if (!validator_.empty()) request.headers.push_back("If-Range: " + validator_);
    }
    problem_.clear();
    retry_after_.reset();
    const auto answers = context_.client.follow(
        request,
        [&](const HttpResponse& head, std::span<const std::byte> bytes) {
          return bytes.empty() ? begin(head) : add(bytes);
        },
        [&](const HttpResponse& redirect) { return has_changed(redirect); });
    const HttpResponse& last = answers.back();
    if (changed_) return std::nullopt;
    if (!problem_.empty()) return problem_;
    if (last.may_pass()) {
      retry_after_ = last.retry_after();
      return failure_of(last);
    }
    if (last.status == kRangeNotSatisfiable && partial_.size() > 0) {
      start_again();
      return "the rest is refused, so it begins anew";
    }
    if ((last.status != kOk && last.status != kPartialContent) || !last.failure.empty()) {
      throw refused(file_, last);
    }
    if (partial_.size() == announced_.bytes) return std::nullopt;
    return fmt::format("the transfer ended after {} of {} bytes", partial_.size(),
                       announced_.bytes);
  }

  bool has_changed(const HttpResponse& answer) {
    const auto etag = announced_etag(context_.client, answer);
    changed_ = etag && is_digest(*etag) && *etag != announced_.etag;
    return changed_;
  }

  // The headers are there.
  bool begin(const HttpResponse& head) {
    if (has_changed(head)) return false;
    if (head.status == kPartialContent) {
      if (!begins_at(head, partial_.size(), announced_.bytes)) {
        start_again();
        return give_up("another part than the one asked for is sent, so it begins anew");
      }
    } else {
      const auto length = head.number("content-length");
      if (head.status != kOk) return give_up(failure_of(head));
      if (length && *length != announced_.bytes) {
        return give_up(
            fmt::format("{} bytes are offered, but {} were announced", *length, announced_.bytes));
      }
      if (partial_.size() > 0) start_again();  // the whole content, whatever was asked for
    }
    const std::string etag = head.header("etag").value_or("");
    validator_ = etag.starts_with('"') ? etag : "";
    return true;
  }

  bool add(std::span<const std::byte> bytes) {
    if (bytes.size() > announced_.bytes - partial_.size()) {
      start_again();
      return give_up(
          fmt::format("more than the {} bytes that were announced are sent", announced_.bytes));
    }
    partial_.append(bytes);
    digest_.add(bytes);
    report();
    return true;
  }

  bool give_up(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }

  const DownloadContext& context_;
  const RemoteFile& file_;
  const Announced& announced_;
  PartialFile partial_;
  Digest digest_;
  Patience patience_;
  std::string validator_{};  // the etag of the server that sent the bytes, for If-Range
  std::string problem_{};
  std::optional<std::chrono::milliseconds> retry_after_{};
  bool changed_ = false;
  bool mismatched_ = false;
};

}  // namespace

bool download_blob(const DownloadContext& context, const RemoteFile& file,
                   const Announced& announced, const std::filesystem::path& blob) {
  return Download(context, file, announced, blob).run();
}

}  // namespace patchbay::hub
