// Binding a thread to CPUs, where the system allows it.
#pragma once

#include <span>
#include <vector>

namespace wattline::kernels {

// Binds the calling thread to these of the system's CPU numbers. False where it is refused or where
// the system has no such call (macOS places threads by their quality-of-service class).
bool PinThisThread(std::span<const int> cpus);
// Those that the calling thread may run on; empty where the system does not tell.
std::vector<int> CpusOfThisThread();

}  // namespace wattline::kernels
