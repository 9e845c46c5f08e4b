// The ceilings that MFU and MBU are fractions of: measured in this process, never from a datasheet.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/backend.h"
#include "kernels/ceiling/ceiling_work.h"
#include "kernels/thread_pool.h"

namespace wattline::benchmarks {

// What was chosen for one ceiling, or why there is none.
struct CeilingNote {
  std::string_view name;  // "f32", "f16", "bf16", "int8" or "read"
  std::string kernel;     // the fastest of the candidates, e.g. "avx512 vdpbf16ps zmm x16"
  std::string why_not;    // empty where the ceiling was measured, else one sentence
};

// Of all threads of the pool together, or of a GPU. A multiply-add counts 2. Absent where doubled
// work could not be shown to take doubled time within 3 %: see the note.
struct MeasuredCeilings {
  std::optional<double> f32_flop_per_s;
  // On a CPU without bf16 instructions, the f32 peak: that is what its bf16 operands can reach once
  // they are widened. The note's kernel tells.
  std::optional<double> bf16_flop_per_s;
  std::optional<double> f16_flop_per_s;   // GPUs only
  std::optional<double> int8_op_per_s;    // CPUs only
  std::optional<double> read_byte_per_s;  // from memory, beyond all caches
  std::vector<CeilingNote> notes;         // one per ceiling that was looked for
  int threads = 1;                        // 1 of a GPU, which has none
  double took_s = 0;
};

// Measures now: 3 to 6 s. `memory` is more than any cache holds and was filled by this pool.
MeasuredCeilings MeasureCeilings(kernels::ThreadPool& pool, const kernels::StreamBuffer& memory);
// Measured at the first call for this number of threads, then remembered for the process.
const MeasuredCeilings& CeilingsOf(kernels::ThreadPool& pool, const kernels::StreamBuffer& memory);

// The same of the GPU that the backend's work runs on; 2 to 20 s, the more the slower the GPU. The
// backend has gpu_works.
MeasuredCeilings MeasureGpuCeilings(const kernels::Backend& backend);

}  // namespace wattline::benchmarks
