// Named models and number formats as the plain numbers of work that predictions take.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/model/shapes.h"
#include "roofline/gpu_model.h"
#include "roofline/predict.h"

namespace wattline::tools {

// How weights are stored.
struct WeightFormat {
  std::string name;
  // A format or mix of kernels/: each tensor has its own bytes. Else, and where its blocks do not
  // divide the rows, all matrices have this many bits per weight, scales included.
  bool planned = true;
  double bits = 0;  // of planned ones too, nearly
  // Whose published speeds stand for it: "f16", "q8_0" or "q4_0", by the bits to unpack.
  std::string stands_for;
};
// Those of kernels/, q4_k_m, and the others of published/quant_formats.csv by their bits.
std::vector<WeightFormat> WeightFormats();

struct ModelRequest {
  int64_t context = 512;  // positions in the cache when a token is decoded
  int64_t prompt = 512;
  int64_t batch = 1;
};

// Absent where the format does not go with the shape; `error` then says why.
std::optional<roofline::ModelWork> WorkOf(const kernels::ModelShape& shape,
                                          const WeightFormat& format, const ModelRequest& request,
                                          std::string& error);

// The decoders among the named shapes.
std::vector<const kernels::NamedShape*> Decoders();
// By name, without case; "llama-7b" is llama-2-7b. Null for an unknown one.
const kernels::NamedShape* FindDecoder(std::string_view name);

// The tables compiled into the program, with the work that their speeds were measured with.
roofline::GpuTables PublishedTables();

// The `count` names that are nearest to `name` by edits, nearest first.
std::vector<std::string> NearestNames(std::string_view name, std::vector<std::string> names,
                                      size_t count);

}  // namespace wattline::tools
