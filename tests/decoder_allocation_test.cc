// A forward pass allocates nothing: counted by the program's own operator new.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "tests/decoder_fixture.h"

namespace {

std::atomic<int64_t> allocations{0};

void* Allocate(size_t byte) {
  ++allocations;
  void* data = std::malloc(byte > 0 ? byte : 1);
  if (data == nullptr) throw std::bad_alloc();
  return data;
}

}  // namespace

void* operator new(size_t byte) { return Allocate(byte); }
void* operator new[](size_t byte) { return Allocate(byte); }
void operator delete(void* data) noexcept { std::free(data); }
void operator delete[](void* data) noexcept { std::free(data); }
void operator delete(void* data, size_t) noexcept { std::free(data); }
void operator delete[](void* data, size_t) noexcept { std::free(data); }

namespace wattline::kernels {
namespace {

TEST(DecoderAllocationTest, TheCounterCounts) {
  const int64_t before = allocations;
  EXPECT_NE(std::make_unique<int>(1), nullptr);
  EXPECT_GT(allocations, before);
}

TEST(DecoderAllocationTest, NoPassAllocates) {
  for (const char* format : {"f32", "bf16", "q4_0", "q4_k_m"}) {
    const auto model = SmallModel(SmallShape(), format);
    for (const Backend* backend : UsableCpuBackends()) {
      ThreadPool pool(2);
      const MadeDecoder made = MakeCpuDecoder(*backend, *model, {64, 2, 16}, pool);
      ASSERT_TRUE(made.decoder) << made.why_not;
      for (const Logits which : {Logits::kLast, Logits::kAll}) {
        for (const int64_t count : {1, 3, 16}) {
          const std::vector<int32_t> tokens = RandomTokens(2 * count, model->shape.vocab);
          const int64_t rows = which == Logits::kAll ? 2 * count : 2;
          std::vector<float> logits(static_cast<size_t>(rows * model->shape.vocab));
          made.decoder->Truncate(0);
          const int64_t before = allocations;
          made.decoder->Forward(tokens, count, which, logits);
          EXPECT_EQ(allocations, before) << format << " " << backend->name << " " << count;
        }
      }
    }
  }
}

}  // namespace
}  // namespace wattline::kernels
