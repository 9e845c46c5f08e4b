// The threads of decode steps: chosen where the user left the number to us, once for each backend.
#include <gtest/gtest.h>

#include "benchmarks/decode_model.h"
#include "tests/decoder_fixture.h"

namespace wattline::benchmarks::decode_threads_test {
namespace {

SuiteOptions Threads(int threads, bool given) {
  SuiteOptions options;
  options.threads = threads;
  options.threads_given = given;
  return options;
}

ModelSource SmallSource() {
  const kernels::ModelShape shape = kernels::SmallShape();
  return {kernels::SmallModel(shape, "q4_0"), shape, "q4_0"};
}

TEST(DecodeThreadsTest, AllThreeQuartersOrHalfOfTheThreadsAreChosenOnce) {
  Suite suite(Threads(8, false));
  DecodeModel model(SmallSource(), suite);
  for (const ShownBackend& shown : suite.cpu_backends()) {
    kernels::ThreadPool& pool = model.PoolFor(shown);
    EXPECT_TRUE(pool.size() == 8 || pool.size() == 6 || pool.size() == 4) << pool.size();
    EXPECT_EQ(&model.PoolFor(shown), &pool);
    std::string why_not;
    kernels::Decoder* decoder = model.DecoderFor("row", shown, {2, 1, 1}, pool, why_not);
    ASSERT_NE(decoder, nullptr) << why_not;
    EXPECT_TRUE(decoder->RunParts(kernels::kWholeStep));
  }
}

TEST(DecodeThreadsTest, ANumberThatTheUserGaveHolds) {
  Suite suite(Threads(4, true));
  DecodeModel model(SmallSource(), suite);
  for (const ShownBackend& shown : suite.cpu_backends()) {
    EXPECT_EQ(&model.PoolFor(shown), &suite.pool());
  }
}

TEST(DecodeThreadsTest, OnFewCoresThereIsNoChoice) {
  Suite suite(Threads(2, false));
  DecodeModel model(SmallSource(), suite);
  for (const ShownBackend& shown : suite.cpu_backends()) {
    EXPECT_EQ(&model.PoolFor(shown), &suite.pool());
  }
}

}  // namespace
}  // namespace wattline::benchmarks::decode_threads_test
