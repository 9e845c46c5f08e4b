// State of the fake Objective-C runtime with Foundation and Core ML: what tests set, and what they
// may look at afterwards.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace wattline {

struct FakeCoreMl {
  // Not empty: this step fails, with these words in its NSError.
  std::string compile_error, load_error, input_error, predict_error;
  std::string missing_class;
  std::string compiled_path;  // where the compiled model lies
  int64_t dim = 256;          // of the outputs
  int64_t row_stride = 256;   // elements from one row of "hidden" or "y" to the next
  int64_t input_padding = 0;  // elements behind each row of an input
  int64_t output_type = 0x10000 | 16;
  bool has_pooled = true;

  std::string package;  // that was compiled
  int64_t units = -1;   // of the configuration that the model was loaded with
  int predictions = 0;
  std::map<std::string, std::vector<int32_t>> inputs;  // of the latest prediction
  std::vector<float> x;                                // likewise, row-major
  std::vector<int64_t> x_shape;
  long objects = 0;  // references that are held, classes excluded
};

// The value at (token, i) of "hidden", and at i of "pooled": exact in f16.
inline float FakeHidden(const FakeCoreMl& fake, int64_t token, int64_t i) {
  const auto at = static_cast<size_t>(token);
  return static_cast<float>(fake.inputs.at("tokens")[at] % 64) +
         64.0f * static_cast<float>(fake.inputs.at("segments")[at]) + static_cast<float>(i) / 8.0f;
}
inline float FakePooled(int64_t i) { return static_cast<float>(i) / -512.0f; }
// The element of "y" for one of "x": exact in f16 too.
inline float FakeBlock(float x) { return -2 * x; }

}  // namespace wattline

extern "C" wattline::FakeCoreMl* fake_coreml();
