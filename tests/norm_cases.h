// Random cases of the small row operations.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/norm/norm_case.h"
#include "kernels/random.h"

namespace wattline::kernels {

// A case with operands of its own, random; `up` is the gate's factor.
struct OwnedCase {
  std::vector<float> x, up, weight, bias;
  NormCase c;
};

inline OwnedCase MakeCase(NormOperation operation, int64_t rows, int64_t cols,
                          RopeLayout layout = RopeLayout::kAdjacent) {
  Random random(static_cast<uint64_t>(rows * 1009 + cols));
  const auto draw = [&](int64_t count, float scale, float shift) {
    std::vector<float> values(static_cast<size_t>(count));
    for (float& value : values) value = shift + scale * random.Normal();
    return values;
  };
  // A mean that must not cancel the variance.
  const float shift = operation == NormOperation::kLayerNorm ? 5 : 0;
  OwnedCase made{
      draw(rows * cols, 2, shift), draw(rows * cols, 1, 0), draw(cols, 1, 0), draw(cols, 1, 0), {}};
  made.c.operation = operation;
  made.c.rows = rows;
  made.c.cols = cols;
  made.c.x = made.x.data();
  made.c.up = made.up.data();
  made.c.weight = made.weight.data();
  made.c.bias = made.bias.data();
  made.c.layout = layout;
  made.c.position = 100;
  return made;
}

inline std::string NameOf(const NormCase& c) {
  return "operation " + std::to_string(static_cast<int>(c.operation)) + ", " +
         std::to_string(c.rows) + " x " + std::to_string(c.cols);
}

}  // namespace wattline::kernels
