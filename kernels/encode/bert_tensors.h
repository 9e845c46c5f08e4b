// The tensors of a BERT encoder under the names that Hugging Face's BertModel gives them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/encode/encode.h"

namespace wattline::kernels {

// [rows, cols]; a vector has rows = 0.
struct BertTensor {
  std::string name;  // "encoder.layer.3.attention.self.query.weight"
  Format format;
  int64_t rows;
  int64_t cols;
  const std::byte* data;

  int64_t Byte() const { return (rows > 0 ? rows : 1) * RowByte(format, cols); }
};

// All of them; vectors are f32. They point into the model.
std::vector<BertTensor> TensorsOf(const BertModel& model);
// Those of one block, under the names of the first.
std::vector<BertTensor> TensorsOf(const BertLayer& layer);

}  // namespace wattline::kernels
