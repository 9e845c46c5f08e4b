// The CPU's training step agrees with the double-precision one at a model's full width.
#include <gtest/gtest.h>

#include "kernels/model/shapes.h"
#include "tests/sanitized.h"
#include "tests/step_fixture.h"

namespace wattline::kernels::block_step_model_test {
namespace {

TEST(StepOfAModel, AgreesInF32) {
  if (kSanitized) GTEST_SKIP() << "skipped under sanitizers: block_step_test has small shapes";
  CheckStep({FindShape("llama-3.2-1b")->shape, 5, "f32"});
}

TEST(StepOfAModel, AgreesInBf16) {
  if (kSanitized) GTEST_SKIP() << "skipped under sanitizers: block_step_test has small shapes";
  CheckStep({FindShape("llama-3.2-1b")->shape, 5, "bf16"});
}

}  // namespace
}  // namespace wattline::kernels::block_step_model_test
