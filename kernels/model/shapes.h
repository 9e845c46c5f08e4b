// The models that are measured by name, without a file.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/model/model.h"

namespace wattline::kernels {

// kQwen2 is the Llama block with biases on Q, K and V, which no kernel here adds and no count here
// counts (1e-5 of the parameters): its shapes serve predictions only.
enum class Architecture : uint8_t { kLlama, kBert, kQwen2 };

struct NamedShape {
  Architecture architecture;
  ModelShape shape;
};

std::span<const NamedShape> AllShapes();
const NamedShape* FindShape(std::string_view name);

// Empty where a Llama decoder of this shape can be computed; else the value, its field and what is
// wrong with it.
std::string ShapeError(const ModelShape& s);

// RoPE's frequency divisors [rope_dim / 2] of the shape's llama3_rope; empty where it has none.
std::vector<float> RopeFactors(const ModelShape& s);

}  // namespace wattline::kernels
