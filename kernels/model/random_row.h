// Seeded random weights made directly in a packed format, without quantising anything.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/format.h"

namespace wattline::kernels {

// Fills one row of `cols` weights, RowByte(format, cols) bytes. Its values have mean 0 and standard
// deviation `sd`, both within a few percent over a whole matrix; each block has a scale of its own,
// a quarter up or down. The same seed gives the same bytes on every machine.
void RandomRow(Format format, int64_t cols, double sd, uint64_t seed, std::byte* row);

}  // namespace wattline::kernels
