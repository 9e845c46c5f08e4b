// The CPU's transformer blocks, Llama's and BERT's, agree with the double-precision ones.
#include <gtest/gtest.h>

#include "kernels/block/block_cpu.h"
#include "kernels/model/shapes.h"
#include "tests/decoder_fixture.h"

namespace wattline::kernels::block_test {
namespace {

std::vector<float> RandomRows(int64_t rows, int64_t cols) {
  Random random(11);
  std::vector<float> x(static_cast<size_t>(rows * cols));
  for (float& value : x) value = random.Normal();
  return x;
}

// As in decoder_fixture.h: 4 stages in a row, inherited errors doubled, and a factor of 2.
double RelativeRmsBound(std::string_view format, int64_t tokens) {
  double e = 0x1p-12;
  if (IsQuantised(*FormatFromName(format))) {
    e = 3.5 / (127.0 * std::sqrt(12.0));
  } else if (tokens > kGemvTokens) {
    e = 0x1p-9;
  }
  return 2.0 * e * std::sqrt(8.0);
}

void CheckBlock(const BlockCase& c, std::string_view format) {
  std::vector<double> y(static_cast<size_t>(c.tokens * c.shape.model_dim));
  BlockReference(c, y.data());
  const std::vector<float> expected(y.begin(), y.end());
  const double bound = RelativeRmsBound(format, c.tokens);
  for (const Backend* backend : UsableCpuBackends()) {
    for (const int threads : {1, 2, 3}) {
      SCOPED_TRACE(testing::Message() << format << ", " << c.tokens << " tokens after " << c.start
                                      << ", " << backend->name << ", " << threads << " threads");
      ThreadPool pool(threads);
      const MadeWork made = MakeCpuBlock(*backend, c, pool);
      ASSERT_TRUE(made.work) << made.why_not;
      made.work->Run();
      const std::vector<float> first = made.work->Result();
      const LogitError error = ErrorOf(first, expected);
      EXPECT_LE(error.relative_rms, bound);
      EXPECT_LE(error.worst, 6 * bound);
      made.work->Run();
      EXPECT_EQ(made.work->Result(), first);  // every Run does the same
    }
  }
}

class BlockTest : public testing::TestWithParam<const char*> {};

TEST_P(BlockTest, LlamaAgreesWithTheReference) {
  ModelShape shape = SmallShape();
  shape.llama3_rope = Llama3Rope{32.0, 1.0, 4.0, 16};
  ThreadPool pool(2);
  const LoadedLayer made = MakeRandomLayer(shape, GetParam(), 5, pool);
  ASSERT_TRUE(made.error.empty()) << made.error;
  ASSERT_NE(made.rope_factors, nullptr);
  for (const int64_t tokens : {1, 3, 20}) {
    for (const int64_t start : {0, 70}) {
      const std::vector<float> x = RandomRows(tokens, shape.model_dim);
      BlockCase c;
      c.shape = shape;
      c.llama = &made.layer;
      c.rope_factors = made.rope_factors;
      c.tokens = tokens;
      c.start = start;
      c.x = x.data();
      CheckBlock(c, GetParam());
    }
  }
}

TEST_P(BlockTest, BertAgreesWithTheReference) {
  ModelShape shape = SmallShape();
  shape.kv_heads = shape.heads;
  shape.rope_dim = 0;
  shape.rms_eps = 1e-12;
  ThreadPool pool(2);
  const LoadedBertLayer made = MakeRandomBertLayer(shape, GetParam(), 5, pool);
  ASSERT_TRUE(made.error.empty()) << made.error;
  for (const int64_t tokens : {1, 3, 20, 70}) {
    const std::vector<float> x = RandomRows(tokens, shape.model_dim);
    BlockCase c;
    c.shape = shape;
    c.bert = &made.layer;
    c.tokens = tokens;
    c.x = x.data();
    CheckBlock(c, GetParam());
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, BlockTest,
                         testing::Values("f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "q4_k",
                                         "q5_k", "q6_k", "mlx4"),
                         [](const auto& p) { return std::string(p.param); });

}  // namespace
}  // namespace wattline::kernels::block_test
