// Fails the n-th allocation of loading and running a model, for every n: each ends in an error, none in a crash, and
// the session of a failed run stays usable. The method is SQLite's ("How SQLite Is Tested", section 3.1).
#include "SampleSession.h"
#include "tenon-c/runtime.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

// Allocations left before one fails; negative: none does.
static std::atomic<long> left{-1};

static void *allocate(std::size_t size, std::size_t alignment) {
  if (left.load() >= 0 && left.fetch_sub(1) == 0)
    return nullptr;
  const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
  return std::aligned_alloc(alignment, rounded ? rounded : alignment);
}

static void *allocateOrThrow(std::size_t size, std::size_t alignment) {
  if (void *memory = allocate(size, alignment))
    return memory;
  throw std::bad_alloc();
}

void *operator new(std::size_t size) { return allocateOrThrow(size, 16); }
void *operator new(std::size_t size, std::align_val_t a) { return allocateOrThrow(size, std::size_t(a)); }
void *operator new(std::size_t size, const std::nothrow_t &) noexcept { return allocate(size, 16); }
void *operator new(std::size_t size, std::align_val_t a, const std::nothrow_t &) noexcept {
  return allocate(size, std::size_t(a));
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void *memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

using namespace tenon::test;

namespace {

/// True for success; anything but TN7011 (or a thread that did not start) is wrong.
bool succeeded(TenonError *error) {
  left = -1;
  if (!error)
    return true;
  const std::string code = tenon_error_code(error);
  EXPECT_TRUE(code == "TN7011" || code == "TN7015") << code << " " << tenon_error_message(error);
  tenon_error_destroy(error);
  return false;
}

TenonError *run(TenonSession *session, TenonResult **result) {
  static float x[8] = {0, 1, 2, 3, 4, 5, 6, 7};
  static const int64_t dims[2] = {2, 4};
  const TenonTensor input = {"x", x, TENON_F32, 2, dims};
  return tenon_session_run(session, &input, 1, nullptr, 0, nullptr, result);
}

} // namespace

TEST(OutOfMemory, EveryAllocationOfLoading) {
  const std::vector<uint8_t> file = packed(makeSample());
  long n = 0;
  TenonSession *session = nullptr;
  TenonSessionOptions options;
  tenon_session_options_init(&options);
  options.threads = 2;
  for (;; ++n) {
    ASSERT_LT(n, 5000);
    left = n;
    if (succeeded(tenon_session_create_from_memory(file.data(), file.size(), &options, &session)))
      break;
    ASSERT_EQ(session, nullptr);
  }
  EXPECT_GT(n, 10);
  tenon_session_destroy(session);
}

TEST(OutOfMemory, EveryAllocationOfRunning) {
  const std::vector<uint8_t> file = packed(makeSample());
  long n = 0;
  for (;; ++n) {
    ASSERT_LT(n, 5000);
    TenonSession *session = nullptr; // a new one: a later run allocates less
    ASSERT_TRUE(succeeded(tenon_session_create_from_memory(file.data(), file.size(), nullptr, &session)));
    TenonResult *result = nullptr;
    left = n;
    const bool done = succeeded(run(session, &result));
    if (!done) {
      ASSERT_EQ(result, nullptr);
      ASSERT_TRUE(succeeded(run(session, &result))) << "the session is unusable after failure " << n;
    }
    TenonTensor output;
    ASSERT_TRUE(succeeded(tenon_result_output(result, 0, &output)));
    EXPECT_EQ(static_cast<float *>(output.data)[7], 94);
    tenon_result_destroy(result);
    tenon_session_destroy(session);
    if (done)
      break;
  }
  EXPECT_GT(n, 10);
}
