// The sweep of the working set that the memory's levels are found in.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "kernels/ceiling/ceiling_work.h"
#include "roofline/levels.h"

namespace wattline::benchmarks {

// Footprints per doubling in the rows of the default list.
inline constexpr int kDefaultPerOctave = 2;

// Best read rate at footprints per thread from 8 KiB to the buffer's size, `per_octave` of them for
// each doubling, all threads together. Two seconds for 2 per octave and 512 MiB in all.
std::vector<roofline::SweepPoint> SweepReads(const kernels::StreamBuffer& buffer, int per_octave,
                                             kernels::ThreadPool& pool, std::string_view isa = {});

}  // namespace wattline::benchmarks
