// The linear stage of a layer with weights of several formats on one input.
#include "kernels/block/row_team.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "tests/packed_rows.h"
#include "tests/plain_kernels.h"

namespace wattline::kernels::row_team_test {
namespace {

constexpr int64_t kCols = 512;

struct Weights {
  Weights(Format format, int64_t rows)
      : bytes(PackedRows(format, rows, kCols, 7)), matrix{format, rows, kCols, bytes.data()} {}
  std::vector<std::byte> bytes;
  Matrix matrix;
};

struct Stage {
  Stage(const CpuKernels& kernels, const std::vector<Format>& formats) : cpu(kernels) {
    for (const Format format : formats) {
      weights.emplace_back(format, 10 + static_cast<int64_t>(weights.size()));
    }
  }

  // y of each matrix for x[rows, kCols].
  std::vector<std::vector<float>> Run(const std::vector<float>& x, int64_t rows, int threads) {
    int64_t scratch_byte = 0;
    std::vector<std::vector<float>> y;
    std::vector<LinearOut> outs;
    for (const Weights& w : weights) {
      y.emplace_back(static_cast<size_t>(rows * w.matrix.rows), NAN);
      outs.push_back({&w.matrix, y.back().data()});
      scratch_byte = std::max(scratch_byte, LinearScratchByte(cpu, w.matrix, rows));
    }
    RowTeam team(cpu, threads, rows, kCols, kCols, scratch_byte);
    ThreadPool pool(threads);
    const std::function<void(Worker&)> body = [&](Worker& worker) {
      const Member m = team.Join(worker, rows);
      for (int64_t r = m.rows.begin; r < m.rows.end; ++r) {
        std::copy_n(x.data() + r * kCols, kCols, m.In(r, kCols));
      }
      team.Linear(m, {outs[0], outs[1], outs[2], outs[3], outs[4]});
    };
    pool.Run(body);
    return y;
  }

  void ExpectReference(int64_t rows, int threads) {
    Random random(11);
    std::vector<float> x(static_cast<size_t>(rows * kCols));
    for (float& value : x) value = random.Normal();
    const auto y = Run(x, rows, threads);
    for (size_t i = 0; i < weights.size(); ++i) {
      const LinearCase c{weights[i].matrix, x.data(), rows};
      std::vector<double> expected(y[i].size());
      LinearReference(c, expected.data());
      for (size_t at = 0; at < expected.size(); ++at) {
        const auto row = static_cast<int64_t>(at);
        ASSERT_NEAR(y[i][at], expected[at], LinearTolerance(c, row / c.w.rows, row % c.w.rows))
            << cpu.isa << ", matrix " << i << ", " << rows << " rows, " << threads << " threads";
      }
    }
  }

  const CpuKernels& cpu;
  std::vector<Weights> weights;
};

// The first three take each other's room; the fourth comes back to the first one's form.
const std::vector<Format> kMixed = {Format::kF16, Format::kBF16, Format::kQ8_0, Format::kF32,
                                    Format::kBF16};

TEST(RowTeamTest, FormsThatShareARoomGiveEachMatrixItsOwn) {
  const CpuKernels kernels = PlainKernels();
  for (const int64_t rows : {1, 5, 12}) {
    for (const int threads : {1, 3}) Stage(kernels, kMixed).ExpectReference(rows, threads);
  }
}

TEST(RowTeamTest, EveryTableTakesMixedFormatsOnOneInput) {
  for (const CpuKernels* cpu : AllCpuKernels()) {
    if (!cpu->why_not().empty()) {
      std::cout << "skipped: no " << cpu->isa << "\n";
      continue;
    }
    for (const int64_t rows : {1, 5, 12, 40}) {
      Stage(*cpu, kMixed).ExpectReference(rows, 2);
      Stage(*cpu, {Format::kQ4_K, Format::kQ6_K, Format::kF16, Format::kMlx4, Format::kBF16})
          .ExpectReference(rows, 2);
    }
  }
}

int prepared = 0;  // calls of the counting table, on one thread

TEST(RowTeamTest, EachFormIsPreparedOnce) {
  CpuKernels kernels = PlainKernels();
  kernels.prepare = [](Format format, Activations& x, Slice slice) {
    ++prepared;
    plain::Prepare(format, x, slice);
  };
  const auto count = [&](const std::vector<Format>& formats, int64_t rows) {
    prepared = 0;
    Stage(kernels, formats).ExpectReference(rows, 1);
    return prepared;
  };
  for (const int64_t rows : {1, 12}) {
    EXPECT_EQ(count(std::vector<Format>(5, Format::kBF16), rows), 1);
    EXPECT_EQ(
        count({Format::kQ4_K, Format::kQ6_K, Format::kQ4_K, Format::kQ5_K, Format::kQ8_0}, rows),
        1);
    EXPECT_EQ(count(kMixed, rows), 3);
  }
}

}  // namespace
}  // namespace wattline::kernels::row_team_test
