#include "kernels/model/copy_model.h"

#include <cstring>
#include <new>
#include <vector>

#include "kernels/buffer.h"
#include "kernels/model/tensors.h"

namespace wattline::kernels {

std::shared_ptr<Model> CopyModel(const Model& model, ThreadPool& pool) {
  auto copy = std::make_shared<Model>(model);
  const std::vector<TensorSpec> specs = LlamaTensors(model.shape);
  std::vector<Matrix> from;
  int64_t tensors_byte = 0;
  for (const TensorSpec& spec : specs) {
    from.push_back(TensorAt(spec, model));
    tensors_byte += RoundToLine(from.back().Byte());
  }
  const int64_t factors_byte =
      model.rope_factors == nullptr ? 0 : model.shape.rope_dim / 2 * int64_t{sizeof(float)};
  std::shared_ptr<RawBuffer> buffer;
  try {
    buffer = std::make_shared<RawBuffer>(static_cast<size_t>(tensors_byte + factors_byte));
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
  std::byte* to = buffer->data();
  for (size_t i = 0; i < specs.size(); ++i) {
    PlaceTensor(specs[i], from[i].format, to, *copy);
    to += RoundToLine(from[i].Byte());
  }
  if (factors_byte > 0) {
    std::memcpy(to, model.rope_factors, static_cast<size_t>(factors_byte));
    copy->rope_factors = reinterpret_cast<const float*>(to);
  }
  pool.Run([&](Worker& worker) {
    for (size_t i = 0; i < specs.size(); ++i) {
      const int64_t row_byte = RowByte(from[i].format, from[i].cols);
      const Range rows = Share(from[i].rows, 1, worker.slice());
      // The buffer's own bytes, which the copy's matrix shows as constant.
      std::byte* const matrix = buffer->data() + (TensorAt(specs[i], *copy).data - buffer->data());
      std::memcpy(matrix + rows.begin * row_byte, from[i].Row(rows.begin),
                  static_cast<size_t>((rows.end - rows.begin) * row_byte));
    }
  });
  copy->storage = buffer;
  copy->is_mapped = false;
  return copy;
}

}  // namespace wattline::kernels
