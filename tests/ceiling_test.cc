// The ceilings' micro-kernels do as many operations and touch as many bytes as they claim.
#include "kernels/ceiling/ceiling.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <vector>

#include "kernels/ceiling/ceiling_work.h"
#include "kernels/random.h"

namespace wattline::kernels::ceiling_test {
namespace {

// Exactly `count` floats on a 64-byte boundary, so that a step too far is seen by AddressSanitizer.
class Floats {
 public:
  explicit Floats(int64_t count) : count_(count) {
    void* data = nullptr;
    const size_t byte = static_cast<size_t>(count) * sizeof(float);
    if (posix_memalign(&data, 64, byte) != 0) throw std::bad_alloc();
    data_.reset(static_cast<float*>(data));
  }
  float* data() const { return data_.get(); }
  float& operator[](int64_t i) const { return data_.get()[i]; }

  // Between 1 and 2, so that no word is like another and no sum is special.
  void Fill(uint64_t seed) const {
    Random random(seed);
    for (int64_t i = 0; i < count_; ++i) (*this)[i] = 1.0f + random.Uniform();
  }
  uint32_t WordSum() const {
    uint32_t sum = 0;
    for (int64_t i = 0; i < count_; ++i) sum += std::bit_cast<uint32_t>((*this)[i]);
    return sum;
  }

 private:
  struct Free {
    void operator()(float* data) const { std::free(data); }
  };
  int64_t count_;
  std::unique_ptr<float, Free> data_;
};

// Every remainder class that a step of 8 vectors, divided among 1 to 8 streams, can leave.
const int64_t kCounts[] = {0, 1, 15, 16, 17, 63, 64, 127, 128, 129, 1000, 1024, 4095, 4096 + 272};

class CeilingTest : public testing::TestWithParam<const CeilingKernels*> {
 protected:
  void SetUp() override {
    const std::string why_not = GetParam()->why_not();
    if (!why_not.empty()) GTEST_SKIP() << "skipped: " << why_not;
  }
};

TEST_P(CeilingTest, EveryOperationIsInTheResult) {
  for (const PeakKernel& peak : GetParam()->peaks) {
    for (int64_t steps : {1, 2, 7, 1000, 100000}) {
      EXPECT_EQ(peak.run(steps) * 2, peak.op_per_step * static_cast<double>(steps)) << peak.name;
    }
  }
}

TEST_P(CeilingTest, EveryFormatHasAPeak) {
  for (PeakFormat format : {PeakFormat::kF32, PeakFormat::kBF16, PeakFormat::kInt8}) {
    int count = 0;
    for (const CeilingKernels& part : AllCeilingKernels()) {
      if (!IsPartOf(part, GetParam()->isa)) continue;
      for (const PeakKernel& peak : part.peaks) count += peak.format == format;
    }
    EXPECT_GE(count, 1) << Name(format);
  }
}

TEST_P(CeilingTest, ReadsAddUpEveryWordOncePerPass) {
  for (int64_t count : kCounts) {
    const Floats x(count);
    x.Fill(static_cast<uint64_t>(count) + 7);
    for (const StreamKernel& stream : GetParam()->streams) {
      if (stream.kind != StreamKind::kRead) continue;
      for (uint32_t passes : {1u, 3u}) {
        const uint32_t expected = stream.sums ? passes * x.WordSum() : 0;
        EXPECT_EQ(stream.run({.x = x.data(), .count = count, .passes = passes}), expected)
            << stream.name << ", " << count;
      }
    }
  }
}

TEST_P(CeilingTest, WritesCopiesAndTriadsReachEveryElement) {
  for (int64_t count : kCounts) {
    const Floats x(count), y(count), out(count);
    x.Fill(1);
    y.Fill(2);
    for (const StreamKernel& stream : GetParam()->streams) {
      if (stream.kind == StreamKind::kRead) continue;
      out.Fill(3);
      const StreamArgs args{.out = out.data(),
                            .x = x.data(),
                            .y = y.data(),
                            .count = count,
                            .passes = 2,
                            .scale = 0.75f};
      stream.run(args);
      for (int64_t i = 0; i < count; ++i) {
        const float expected = stream.kind == StreamKind::kWrite  ? 0.75f
                               : stream.kind == StreamKind::kCopy ? x[i]
                                                                  : std::fma(0.75f, y[i], x[i]);
        ASSERT_EQ(out[i], expected) << stream.name << ", element " << i << " of " << count;
      }
    }
  }
}

// AddressSanitizer does not see into asm statements: here the page behind the array is closed.
TEST_P(CeilingTest, NothingIsReadBeyondTheEnd) {
  const auto page_byte = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* pages = mmap(nullptr, 2 * page_byte, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  char* const end = static_cast<char*>(pages) + page_byte;
  ASSERT_EQ(mprotect(end, page_byte, PROT_NONE), 0);
  for (int64_t count = 16; count <= 1024; count += 16) {
    const auto* x = reinterpret_cast<const float*>(end) - count;
    for (const StreamKernel& stream : GetParam()->streams) {
      if (stream.kind != StreamKind::kRead) continue;
      EXPECT_EQ(stream.run({.x = x, .count = count, .passes = 1}), 0u) << stream.name;
    }
  }
  munmap(pages, 2 * page_byte);
}

INSTANTIATE_TEST_SUITE_P(Isa, CeilingTest, testing::ValuesIn([] {
                           std::vector<const CeilingKernels*> all;
                           for (const CeilingKernels& one : AllCeilingKernels()) {
                             all.push_back(&one);
                           }
                           return all;
                         }()),
                         [](const auto& tested) { return std::string(tested.param->isa); });

TEST(CeilingKernelsTest, AnExtensionHasTheKernelsOfWhatItExtendsAndNoOther) {
  for (const CeilingKernels& one : AllCeilingKernels()) {
    EXPECT_TRUE(IsPartOf(one, ""));
    EXPECT_TRUE(IsPartOf(one, one.isa));
    int parts = 0;
    for (const CeilingKernels& part : AllCeilingKernels()) parts += IsPartOf(part, one.isa);
    EXPECT_EQ(parts, one.extends.empty() ? 1 : 2) << one.isa;
    EXPECT_FALSE(IsPartOf(one, "no such set"));
  }
}

TEST(StreamByteTest, CountsWhatTheKernelItselfMoves) {
  EXPECT_EQ(StreamByte(StreamKind::kRead, 10), 40);
  EXPECT_EQ(StreamByte(StreamKind::kWrite, 10), 40);
  EXPECT_EQ(StreamByte(StreamKind::kCopy, 10), 80);
  EXPECT_EQ(StreamByte(StreamKind::kTriad, 10), 120);
}

const CeilingKernels* Usable() {
  for (const CeilingKernels& one : AllCeilingKernels()) {
    if (one.why_not().empty()) return &one;
  }
  return nullptr;
}

TEST(CeilingWorkTest, EveryThreadDoesItsShare) {
  if (!Usable()) GTEST_SKIP() << "skipped: no instruction set of this program runs here";
  ThreadPool pool(3);
  PeakWork work(Usable()->peaks[0], pool);
  work.SetSteps(10);
  work.Run();
  const std::vector<float> sums = work.Result();
  EXPECT_EQ(sums.size(), 3u);
  EXPECT_EQ(std::accumulate(sums.begin(), sums.end(), 0.0) * 2, work.Op());
}

TEST(CeilingWorkTest, ThreadsStreamThroughPartsOfTheirOwn) {
  if (!Usable()) GTEST_SKIP() << "skipped: no instruction set of this program runs here";
  ThreadPool pool(3);
  const StreamBuffer buffer(12345, pool);
  EXPECT_EQ(buffer.footprint_byte(), 12345 / 64 * 64);
  for (const StreamKernel& stream : Usable()->streams) {
    StreamWork work(stream, buffer, buffer.footprint_byte(), pool);
    work.SetPasses(2);
    work.Run();
    // Arrays in whole lines: at most one line for each is left out of the footprint.
    const double most = 2.0 * 3 * static_cast<double>(buffer.footprint_byte());
    EXPECT_LE(work.Byte(), most) << stream.name;
    EXPECT_GT(work.Byte(), most - 2.0 * 3 * 3 * 64) << stream.name;
  }
  for (int thread = 0; thread < 3; ++thread) {
    for (int64_t i = 0; i < buffer.footprint_byte() / 4; ++i) {
      ASSERT_TRUE(std::isfinite(buffer.part(thread)[i])) << thread << ", " << i;
    }
  }
}

TEST(RoundTripTest, IsPositiveOrAbsent) {
  ThreadPool pool(2);
  const std::optional<double> round_trip_s = RoundTripS(pool, 5e-3);
  if (round_trip_s) {
    EXPECT_GT(*round_trip_s, 1e-9);
    EXPECT_LT(*round_trip_s, 25e-6);  // 5 ms over 200 trips
  }
}

}  // namespace
}  // namespace wattline::kernels::ceiling_test
