// Addresses and answers of servers, without any network.
#include "patchbay/hub/http.h"

#include <gtest/gtest.h>

#include <ctime>

#include "tests/hub/hub_testing.h"
#include "tests/support/temporary_directory.h"

namespace patchbay {
namespace {

using hub::HttpResponse;
using hub::parse_url;
using hub::resolve_url;
using testing::error_of;
using testing::expect_parts;
using testing::TemporaryDirectory;

TEST(HubUrl, ServersAreTheSameWhenSchemeHostAndPortAre) {
  EXPECT_EQ(parse_url("https://HuggingFace.co/a?b", "x").origin(), "https://huggingface.co:443");
  EXPECT_EQ(parse_url("http://127.0.0.1:80/", "x").origin(), "http://127.0.0.1:80");
  EXPECT_EQ(parse_url("http://h", "x").origin(), "http://h:80");
  EXPECT_NE(parse_url("http://h", "x").origin(), parse_url("https://h", "x").origin());
  EXPECT_NE(parse_url("https://h:444", "x").origin(), parse_url("https://h", "x").origin());
  for (const char* text : {"", "h", "ftp://h", "file:///etc/passwd", "http://", "http://u:p@h/",
                           "http://u@h/", "http://h:99999/", "http:/\\h"}) {
    expect_parts(error_of(ErrorKind::kUsage, [&] { parse_url(text, "HF_ENDPOINT"); }),
                 "[HF_ENDPOINT]");
  }
}

TEST(HubUrl, LocationsAreResolvedAgainstWhatWasAsked) {
  const hub::Url base = parse_url("https://h:8/a/b?c=d", "x");
  EXPECT_EQ(resolve_url(base, "/x/y").text, "https://h:8/x/y");
  EXPECT_EQ(resolve_url(base, "y?z").text, "https://h:8/a/y?z");
  EXPECT_EQ(resolve_url(base, "//o/x").origin(), "https://o:443");
  EXPECT_EQ(resolve_url(base, "http://o/x").text, "http://o/x");
  for (const char* location : {"file:///x", "ftp://o/", "http://u:p@o/", "javascript:x"}) {
    error_of(ErrorKind::kNetwork, [&] { resolve_url(base, location); });
  }
  EXPECT_EQ(hub::url_escaped("refs/pr/1 ü"), "refs%2Fpr%2F1%20%C3%BC");
}

TEST(HubHttp, AnswersSayWhetherAndWhenToComeAgain) {
  const auto answer = [](int status, const std::string& retry_after = "") {
    HttpResponse response;
    response.status = status;
    if (!retry_after.empty()) response.headers.emplace_back("retry-after", retry_after);
    return response;
  };
  for (const int status : {408, 429, 500, 502, 503, 504}) EXPECT_TRUE(answer(status).may_pass());
  for (const int status : {200, 206, 302, 400, 401, 403, 404, 416, 501}) {
    EXPECT_FALSE(answer(status).may_pass()) << status;
  }
  using std::chrono::seconds;
  EXPECT_FALSE(answer(429).retry_after());
  EXPECT_EQ(answer(429, "7").retry_after(), seconds(7));
  EXPECT_FALSE(answer(429, "soon").retry_after());
  EXPECT_GT(answer(429, "99999999999999").retry_after(), seconds(900'000'000));
  EXPECT_EQ(answer(429, "Wed, 01 Jan 2020 00:00:00 GMT").retry_after(), seconds(0));
  EXPECT_GT(answer(429, "Fri, 01 Jan 2100 00:00:00 GMT").retry_after(), seconds(1'000'000));
  HttpResponse broken;
  broken.failure = "cut";
  EXPECT_TRUE(broken.may_pass());
  broken.hopeless = true;
  EXPECT_FALSE(broken.may_pass());
}

TEST(HubHttp, TheLastHeaderOfANameCounts) {
  HttpResponse response;
  response.headers = {{"a", "1"}, {"a", "2"}, {"b", "-1"}, {"c", "9x"}};
  EXPECT_EQ(response.header("a"), "2");
  EXPECT_EQ(response.number("a"), 2U);
  EXPECT_FALSE(response.number("b"));
  EXPECT_FALSE(response.number("c"));
  EXPECT_FALSE(response.header("d"));
}

TEST(HubHttp, OfflineThereIsNoClient) {
  const TemporaryDirectory folder;
  const RunContext ctx({.threads = 1});
  auto settings = testing::settings_below(folder.path());
  settings.offline = true;
  expect_parts(error_of(ErrorKind::kNetwork, [&] { const hub::HttpClient client(ctx, settings); }),
               "HF_HUB_OFFLINE");
}

}  // namespace
}  // namespace patchbay
