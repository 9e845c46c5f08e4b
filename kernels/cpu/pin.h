// Binding a thread to one CPU, where the system allows it.
#pragma once

namespace wattline::kernels {

// Binds the calling thread to the system's CPU number `cpu`. False where it is refused or where the
// system has no such call (macOS places threads by their quality-of-service class).
bool PinThisThread(int cpu);

}  // namespace wattline::kernels
