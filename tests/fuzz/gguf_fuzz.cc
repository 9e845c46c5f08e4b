// Fuzzes the GGUF reader: any bytes either load, and then every weight can be read, or give one
// sentence.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "kernels/model/load.h"
#include "kernels/model/tensors.h"

namespace {

using namespace wattline::kernels;

// Touches the first and the last byte of each tensor, so that a range outside of the file is seen.
unsigned Touch(const Model& model) {
  unsigned sum = 0;
  for (const TensorSpec& spec : LlamaTensors(model.shape)) {
    const Matrix matrix = TensorAt(spec, model);
    sum += static_cast<unsigned>(matrix.data[0]) +
           static_cast<unsigned>(matrix.data[matrix.Byte() - 1]);
  }
  if (model.rope_factors != nullptr) {
    sum += model.rope_factors[model.shape.rope_dim / 2 - 1] > 1.0f ? 1 : 0;
  }
  return sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // A heap block of exactly this size: the sanitiser sees the first byte behind it.
  const std::shared_ptr<std::byte[]> copy(new std::byte[size]);
  if (size > 0) std::memcpy(copy.get(), data, size);
  const LoadedModel loaded = LoadModelFromMemory({copy.get(), size}, "fuzz.gguf", copy);
  if ((loaded.model == nullptr) == loaded.error.empty()) std::abort();
  if (loaded.model != nullptr) {
    [[maybe_unused]] static volatile unsigned sum;
    sum = Touch(*loaded.model);
  }
  return 0;
}
