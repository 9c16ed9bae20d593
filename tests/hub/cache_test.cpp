// The Hugging Face cache, as huggingface_hub lays it out.
#include "patchbay/hub/cache.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <thread>

#include "patchbay/base/run_context.h"
#include "patchbay/hub/cache_writer.h"
#include "patchbay/hub/digest.h"
#include "patchbay/hub/list_models.h"
#include "tests/hub/hub_testing.h"
#include "tests/support/temporary_directory.h"

namespace patchbay {
namespace {

namespace fs = std::filesystem;
using hub::find_snapshot;
using hub::read_model_id;
using testing::error_of;
using testing::expect_parts;
using testing::kCommit;
using testing::kOtherCommit;
using testing::put_in_cache;
using testing::read_raw;
using testing::TemporaryDirectory;
using testing::write_raw;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

TEST(HubCache, FoldersAreNamedAfterIds) {
  for (const char* id : {"gpt2", "openai-community/gpt2", "a-b/c.d_e"}) {
    EXPECT_EQ(hub::repository_id(hub::repository_folder(id)), id);
  }
  EXPECT_EQ(hub::repository_folder("openai-community/gpt2"), "models--openai-community--gpt2");
  for (const char* folder : {"datasets--a--b", "models--", "models--a--b--c", "models--..--a"}) {
    EXPECT_FALSE(hub::repository_id(folder)) << folder;
  }
}

TEST(HubCache, ARefLeadsToItsSnapshot) {
  const TemporaryDirectory cache;
  const fs::path main = put_in_cache(cache.path(), "org/name", kCommit, "main");
  const fs::path other = put_in_cache(cache.path(), "org/name", kOtherCommit, "refs/pr/1");
  const auto folder = [&](const std::string& text) {
    const auto snapshot = find_snapshot(cache.path(), *read_model_id(text));
    return snapshot ? snapshot->folder : fs::path();
  };
  EXPECT_EQ(folder("org/name"), main);
  EXPECT_EQ(folder("org/name@refs/pr/1"), other);
  EXPECT_EQ(folder("org/name@" + kOtherCommit), other);
  EXPECT_EQ(folder("org/name@v1"), "");
  EXPECT_EQ(folder("org/other"), "");
  EXPECT_EQ(folder("org/name@" + std::string(40, '0')), "");
}

TEST(HubCache, OddRefsAreNoRefs) {
  const TemporaryDirectory cache;
  put_in_cache(cache.path(), "org/name", kCommit, "");
  const fs::path refs = cache / "models--org--name/refs";
  fs::create_directories(refs);
  const auto model = *read_model_id("org/name");
  EXPECT_FALSE(find_snapshot(cache.path(), model));
  for (const std::string& content :
       {std::string("../../x"), std::string(), std::string(5000, 'a'), std::string("main")}) {
    write_raw(refs / "main", content);
    EXPECT_FALSE(find_snapshot(cache.path(), model)) << content;
  }
  write_raw(refs / "main", kCommit + "\n");
  EXPECT_TRUE(find_snapshot(cache.path(), model));
}

TEST(HubCache, AnOldCacheHasGpt2UnderItsOldId) {
  const TemporaryDirectory cache;
  const fs::path old = put_in_cache(cache.path(), "gpt2", kCommit, "main");
  EXPECT_EQ(find_snapshot(cache.path(), *read_model_id("gpt2"))->folder, old);
  EXPECT_EQ(find_snapshot(cache.path(), *read_model_id("openai-community/gpt2"))->id, "gpt2");
  // A tokenizer that somebody fetched under the new id does not hide it.
  put_in_cache(cache.path(), "openai-community/gpt2", kOtherCommit, "main", {"tokenizer.json"});
  EXPECT_EQ(find_snapshot(cache.path(), *read_model_id("gpt2"))->folder, old);
  const fs::path whole = put_in_cache(cache.path(), "openai-community/gpt2", kCommit, "main");
  EXPECT_EQ(find_snapshot(cache.path(), *read_model_id("gpt2"))->folder, whole);
}

TEST(HubCache, ListsWhatIsThereWithItsRefs) {
  const TemporaryDirectory cache;
  EXPECT_TRUE(hub::list_cached(cache / "none").empty());
  put_in_cache(cache.path(), "org/b", kCommit, "main");
  put_in_cache(cache.path(), "org/b", kCommit + "x", "bad");
  put_in_cache(cache.path(), "org/a", kOtherCommit, "", {"tokenizer.json"});
  fs::create_directories(cache / "datasets--org--c/snapshots" / kCommit);
  write_raw(cache / "models--org--b/refs/v1", kCommit);
  fs::create_symlink("../../blobs/gone", cache / "models--org--b/snapshots" / kCommit / "lost");
  const auto models = hub::list_cached(cache.path());
  ASSERT_EQ(models.size(), 2U);
  EXPECT_EQ(models[0].snapshot.id, "org/a");
  EXPECT_FALSE(models[0].complete);
  EXPECT_TRUE(models[0].refs.empty());
  EXPECT_EQ(models[1].refs, (std::vector<std::string>{"main", "v1"}));
  EXPECT_TRUE(models[1].complete);
  EXPECT_EQ(models[1].bytes, std::string("config.jsonmodel.safetensors").size());
}

TEST(HubModels, AreListedUnderTheNamesThatFindThem) {
  const TemporaryDirectory folder;
  const fs::path cache = folder / "cache";
  const fs::path shipped = folder / "models" / "small";
  put_in_cache(cache, "org/a", kCommit, "main");
  put_in_cache(cache, "org/b", kCommit, "v1");
  put_in_cache(cache, "org/c", kOtherCommit, "");
  put_in_cache(cache, "org/d", kCommit, "main", {"tokenizer.json"});
  fs::create_directories(shipped);
  write_raw(shipped / "config.json", "{}");
  hub::Settings settings;
  settings.cache = cache;
  settings.model_folders = {folder / "models"};
  const std::vector<hub::ListedModel> models = hub::list_models(settings);
  std::vector<std::string> names;
  for (const hub::ListedModel& model : models) {
    names.push_back(model.name);
    if (model.complete) {
      EXPECT_EQ(hub::find_model(model.name, settings).path, model.folder) << model.name;
    }
  }
  EXPECT_EQ(names, (std::vector<std::string>{"small", "org/a", "org/b@v1", "org/c@" + kOtherCommit,
                                             "org/d"}));
  EXPECT_EQ(models[0].source, hub::ModelSource::kShipped);
  EXPECT_EQ(models[0].bytes, 2U);
  EXPECT_FALSE(models[4].complete);
}

TEST(HubDigest, EqualsWhatGitAndSha256sumSay) {
  const TemporaryDirectory folder;
  write_raw(folder / "a", "hello\n");
  const RunContext ctx({.threads = 1});
  EXPECT_EQ(digest_of(ctx, hub::DigestKind::kGitSha1, folder / "a"),
            "ce013625030ba8dba906f756967f9e9ca394464a");
  EXPECT_EQ(digest_of(ctx, hub::DigestKind::kSha256, folder / "a"),
            "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03");
  write_raw(folder / "a", "");
  EXPECT_EQ(digest_of(ctx, hub::DigestKind::kGitSha1, folder / "a"),
            "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  // Longer than the pieces it is read in, and cut elsewhere.
  const std::string large(3'000'001, 'x');
  write_raw(folder / "a", large);
  hub::Digest digest(hub::DigestKind::kSha256, large.size());
  digest.add(bytes_of(large).first(17));
  digest.add(bytes_of(large).subspan(17));
  EXPECT_EQ(digest_of(ctx, hub::DigestKind::kSha256, folder / "a"), digest.finish());
  EXPECT_FALSE(hub::is_digest("E69DE29BB2D1D6434B8B29AE775AD8C2E48C5391"));
  error_of(ErrorKind::kBadData, [] { static_cast<void>(hub::digest_kind("abc")); });
}

TEST(HubCacheWriter, SnapshotsLinkToBlobsByRelativePaths) {
  const TemporaryDirectory cache;
  const fs::path repository = cache / "models--org--name";
  const fs::path blob = repository / "blobs" / kCommit;
  const fs::path snapshot = repository / "snapshots" / kOtherCommit;
  fs::create_directories(blob.parent_path());
  write_raw(blob, "content");
  for (int time = 0; time < 2; ++time) {  // the second replaces the first
    hub::place_in_snapshot(blob, snapshot / "config.json");
    EXPECT_EQ(fs::read_symlink(snapshot / "config.json"), "../../blobs/" + kCommit);
    hub::place_in_snapshot(blob, snapshot / "a/b.json");
    EXPECT_EQ(fs::read_symlink(snapshot / "a/b.json"), "../../../blobs/" + kCommit);
    EXPECT_EQ(read_raw(snapshot / "a/b.json"), "content");
  }
  hub::copy_into_snapshot(blob, snapshot / "copy");
  EXPECT_FALSE(fs::is_symlink(snapshot / "copy"));
  EXPECT_EQ(read_raw(snapshot / "copy"), "content");
  EXPECT_EQ(std::distance(fs::directory_iterator(snapshot), fs::directory_iterator()), 3);
}

TEST(HubCacheWriter, RefsHoldACommitAndNothingElse) {
  const TemporaryDirectory cache;
  const fs::path repository = cache / "models--org--name";
  hub::write_ref(repository, kCommit, kCommit);
  EXPECT_FALSE(fs::exists(repository));
  hub::write_ref(repository, "refs/pr/1", kCommit);
  EXPECT_EQ(read_raw(repository / "refs/refs/pr/1"), kCommit);
  hub::write_ref(repository, "main", kCommit);
  hub::write_ref(repository, "main", kOtherCommit);
  EXPECT_EQ(read_raw(repository / "refs/main"), kOtherCommit);
}

TEST(HubCacheWriter, APartialFileGrowsOverSeveralRunsAndThenHasItsName) {
  const TemporaryDirectory folder;
  const fs::path blob = folder / "blobs/abc";
  {
    hub::PartialFile partial(blob);
    EXPECT_EQ(partial.size(), 0U);
    partial.append(bytes_of("one "));
  }
  EXPECT_EQ(read_raw(folder / "blobs/abc.incomplete"), "one ");
  hub::PartialFile partial(blob);
  EXPECT_EQ(partial.size(), 4U);
  partial.append(bytes_of("two"));
  partial.commit();
  EXPECT_EQ(read_raw(blob), "one two");
  EXPECT_FALSE(fs::exists(folder / "blobs/abc.incomplete"));
  hub::PartialFile again(folder / "blobs/d");
  again.append(bytes_of("bad"));
  again.clear();
  again.append(bytes_of("good"));
  EXPECT_EQ(read_raw(folder / "blobs/d.incomplete"), "good");
}

TEST(HubCacheWriter, APartialFileIsNotWrittenThroughALink) {
  const TemporaryDirectory folder;
  write_raw(folder / "precious", "keep");
  fs::create_symlink(folder / "precious", folder / "blob.incomplete");
  error_of(ErrorKind::kInputOutput, [&] { const hub::PartialFile partial(folder / "blob"); });
  EXPECT_EQ(read_raw(folder / "precious"), "keep");
}

TEST(HubCacheWriter, ALockIsHeldByOneAtATime) {
  const TemporaryDirectory folder;
  const fs::path file = folder / ".locks/models--a/b.lock";
  RunContext ctx({.threads = 1});
  const auto lock = std::make_unique<hub::BlobLock>(ctx, file, [] { FAIL() << "nobody has it"; });
  EXPECT_EQ(fs::file_size(file), 0U);
  const int other = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
  EXPECT_NE(::flock(other, LOCK_EX | LOCK_NB), 0) << "the filelock package would wait";
  int waits = 0;
  error_of(ErrorKind::kInterrupted, [&] {
    const hub::BlobLock second(ctx, file, [&] {
      ++waits;
      ctx.cancel();
    });
  });
  EXPECT_EQ(waits, 1);
  ::close(other);
}

TEST(HubCacheWriter, ALockOnAFileThatSomebodyRemovedIsTakenAgain) {
  const TemporaryDirectory folder;
  const RunContext ctx({.threads = 1});
  const fs::path file = folder / "b.lock";
  const int other = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  ASSERT_EQ(::flock(other, LOCK_EX), 0);
  const hub::BlobLock lock(ctx, file, [&] {
    fs::remove(file);
    ::close(other);
  });
  const int third = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(third, 0) << "the lock has a file with its name";
  EXPECT_NE(::flock(third, LOCK_EX | LOCK_NB), 0);
  ::close(third);
}

TEST(HubCacheWriter, FreeSpaceIsAskedOfTheNearestFolder) {
  const TemporaryDirectory folder;
  EXPECT_GT(hub::free_space(folder / "not/yet/there"), 0U);
  EXPECT_GT(hub::free_space("relative"), 0U);
}

}  // namespace
}  // namespace patchbay
