// The kernels of the loads as PTX text, and what a thread of them computes, for their check.
#pragma once

#include <cstdint>
#include <string>

namespace wattline::device {

inline constexpr unsigned kBlockThreads = 256;

// Chains of one thread and their length in one turn of the loop: 8 pairs keep the pipes full with
// few warps, and 16 steps leave 1 % of the instructions to the loop.
inline constexpr int kChains = 8;
inline constexpr int kSteps = 16;
// Two multiply-adds a step, x -= e y and y += e x: they turn the point (x, y), so that numbers
// neither grow nor settle, and power is that of changing bits.
inline constexpr double kTurn_flop = 2.0 * 2 * kChains * kSteps;
inline constexpr float kAngle = 0.37f;

// In one turn a thread reads four times 16 bytes; threads read beside each other.
inline constexpr unsigned kReads = 4;
inline constexpr unsigned kRead_byte = 16;

// Valid for sm_70 and newer. One result of 4 bytes per thread goes to `out`:
//   compute_load(u64 out, u32 turns, f32 angle)
//   memory_load(u64 data, u64 out, u32 passes, u32 rows, u64 row_step_byte): each pass reads `rows`
//     times kReads rows, of kRead_byte for every thread
//   fill_words(u64 data, u32 words, u32 threads): word[i] = mixed bits of i
std::string LoadPtx();

// Of one thread, bit for bit; memory_load in one pass.
float ComputeResult(uint32_t thread, uint32_t turns);
uint32_t MemoryResult(uint32_t thread, uint32_t rows, uint64_t row_step_byte);

}  // namespace wattline::device
