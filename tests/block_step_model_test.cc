// The CPU's training step agrees with the double-precision one at a model's full width.
#include <gtest/gtest.h>

#include "kernels/model/shapes.h"
#include "tests/step_fixture.h"

namespace wattline::kernels {
namespace {

TEST(StepOfAModel, AgreesInF32) { CheckStep({FindShape("llama-3.2-1b")->shape, 5, "f32"}); }

TEST(StepOfAModel, AgreesInBf16) { CheckStep({FindShape("llama-3.2-1b")->shape, 5, "bf16"}); }

}  // namespace
}  // namespace wattline::kernels
