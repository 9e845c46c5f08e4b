// The decoder on the CPU backends.
#pragma once

#include "kernels/decode/decoder.h"

namespace wattline::kernels {

struct Backend;

// `model` and `pool` outlive the decoder. Forward allocates nothing.
MadeDecoder MakeCpuDecoder(const Backend& backend, const Model& model, DecoderOptions options,
                           ThreadPool& pool);

}  // namespace wattline::kernels
