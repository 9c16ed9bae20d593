// Every N-th allocation fails, for every N that loading and parsing come to: each ends in
// std::bad_alloc or an Error, nothing leaks (the sanitizers' run sees that), and afterwards
// everything works again.
//
// A program of its own, because it replaces operator new. Study files are left out: toml++ 3
// allocates in functions that promise not to throw, and ends the process.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <new>
#include <string>

#include "patchbay/base/error.h"
#include "patchbay/families/family.h"
#include "patchbay/io/npy.h"
#include "patchbay/prompts/prompt_file.h"
#include "patchbay/results/result_json.h"

namespace {

// How many allocations succeed before one fails; negative: none fails.
std::atomic<std::int64_t> allocations_left{-1};

void* allocate(std::size_t size, std::size_t alignment) {
  if (allocations_left.load() >= 0 && allocations_left.fetch_sub(1) == 0) throw std::bad_alloc();
  const std::size_t whole = (size + alignment - 1) / alignment * alignment;
  void* const memory = std::aligned_alloc(alignment, whole == 0 ? alignment : whole);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size, alignof(std::max_align_t)); }
void* operator new[](std::size_t size) { return allocate(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
// As the library's sorts ask for a buffer: without one they are slower, not wrong.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  try {
    return operator new(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace patchbay {
namespace {

const std::filesystem::path kGolden = PATCHBAY_GOLDEN_DIR;

// Runs `work` with its n-th allocation failing, for n = 0, 1, 2 …, until it comes through; that
// must be `at_least` times.
void fail_every_allocation(const char* what, std::int64_t at_least,
                           const std::function<void()>& work) {
  work();  // what is kept for the life of the process
  std::int64_t failed = 0;
  for (std::int64_t n = 0;; ++n) {
    bool through = false;
    std::string refusal;
    allocations_left.store(n);
    try {
      work();
      through = allocations_left.load() >= 0;  // none failed any more
      allocations_left.store(-1);
    } catch (const std::bad_alloc&) {
      allocations_left.store(-1);
    } catch (const Error& error) {
      allocations_left.store(-1);
      refusal = error.what();
      EXPECT_NE(error.kind(), ErrorKind::kInternal) << what << ": " << refusal;
    } catch (const std::exception& error) {
      allocations_left.store(-1);
      ADD_FAILURE() << what << ", allocation " << n << ": " << error.what();
    }
    if (through) break;
    ++failed;
  }
  EXPECT_GE(failed, at_least) << what;
  EXPECT_NO_THROW(work()) << what;
}

TEST(Allocation, EveryOneMayFailWhileAModelIsLoaded) {
  const RunContext ctx({.threads = 1});
  fail_every_allocation("tiny-gpt2", 20, [&] { (void)load_model(ctx, kGolden / "tiny-gpt2"); });
  fail_every_allocation("tiny-llama", 20, [&] { (void)load_model(ctx, kGolden / "tiny-llama"); });
}

TEST(Allocation, EveryOneMayFailWhileAFileIsParsed) {
  fail_every_allocation("safetensors", 20, [] {
    (void)SafetensorsFile::open(kGolden / "tiny-gpt2" / "model.safetensors").read("wte.weight");
  });
  fail_every_allocation("gguf", 20, [] {
    const GgufFile file = GgufFile::open(kGolden / "gguf" / "types.gguf");
    for (const std::string& name : file.names()) {
      try {
        (void)file.read(name);
      } catch (const Error&) {
        continue;  // integers
      }
    }
  });
  fail_every_allocation("npz", 20, [] {
    const NpzFile file = NpzFile::open(kGolden / "io" / "arrays.npz");
    for (const std::string& name : file.names()) (void)file.read(name);
  });
  fail_every_allocation("tokenizer", 20, [] { (void)load_tokenizer(kGolden / "tiny-gpt2"); });
  fail_every_allocation("result", 20, [] {
    const StoredResult result = read_result(kGolden / "results" / "small.json");
    (void)to_json(result.table, result.statistics);
  });
}

// A cancelled or failed pool must not keep the process: its threads end, and the next run works.
TEST(Allocation, EveryOneMayFailWhileAModelRuns) {
  const RunContext ctx({.threads = 2});
  const HookedTransformer model = load_model(ctx, kGolden / "tiny-gpt2");
  fail_every_allocation("forward pass", 20, [&] { (void)model.run(ctx, {{1, 2, 3, 4}}); });
  fail_every_allocation("context", 3, [] { const RunContext another({.threads = 3}); });
}

}  // namespace
}  // namespace patchbay
