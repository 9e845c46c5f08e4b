// Writes GGUF version 3 files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/model/model.h"

namespace wattline::kernels {

class GgufWriter {
 public:
  void AddU32(std::string_view key, uint32_t value);
  void AddF32(std::string_view key, float value);
  void AddBool(std::string_view key, bool value);
  void AddText(std::string_view key, std::string_view value);
  void AddTexts(std::string_view key, std::span<const std::string> values);
  void AddFloats(std::string_view key, std::span<const float> values);
  void AddInts(std::string_view key, std::span<const int32_t> values);
  // `ne` has the row's length first; `data` must live until the file is written.
  void AddTensor(std::string_view name, std::span<const int64_t> ne, uint32_t type,
                 std::span<const std::byte> data);

  // Everything before the data, padded to the alignment of 32 bytes.
  std::string Header() const;
  // The whole file; for small ones.
  std::string Bytes() const;
  // Writes to a temporary file beside `path`, then renames it: `path` is whole or as it was before.
  // Empty, or one sentence that names the file and the reason.
  std::string Write(const std::string& path) const;
  uint64_t Byte() const;

 private:
  struct Tensor {
    std::string info;  // name, dimensions and type, without the offset
    std::span<const std::byte> data;
  };

  void AddPair(std::string_view key, uint32_t type);
  void AddArray(std::string_view key, uint32_t element_type, uint64_t count);

  std::string pairs_;
  uint64_t pair_count_ = 0;
  std::vector<Tensor> tensors_;
};

// The model with what loaders of Llama files expect besides the tensors: hyper-parameters, RoPE
// factors, and a placeholder vocabulary (<unk>, <s>, </s>, 256 bytes, then filler words). The model
// must outlive the writer; its formats are those with a GGUF type (format.h).
GgufWriter ModelGguf(const Model& model);

}  // namespace wattline::kernels
