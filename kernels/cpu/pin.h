// Binding a thread to CPUs, where the system allows it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace wattline::kernels {

// Binds the calling thread to these of the system's CPU numbers. False where it is refused or where
// the system has no such call (macOS places threads by their class).
bool PinThisThread(std::span<const int> cpus);
// Those that the calling thread may run on; empty where the system does not tell.
std::vector<int> CpusOfThisThread();

// What a thread asks for where the system takes classes of threads in place of CPU numbers.
enum class ThreadClass : uint8_t { kUnset, kFast, kEfficient };
struct ThreadClasses {
  bool (*set)(ThreadClass wanted);  // of the calling thread; false where it is refused
  ThreadClass (*get)();             // of the calling thread
};
// macOS: kFast is the quality-of-service class user-interactive, which keeps a thread off the
// efficiency cores while a faster one is free; kEfficient is background, which runs on efficiency
// cores only, at whatever clock the system gives them. Elsewhere every class is refused.
const ThreadClasses& SystemThreadClasses();
// Those in use: the system's, or what a test has put in their place. Null gives the system's back.
const ThreadClasses& UsedThreadClasses();
void ReplaceThreadClasses(const ThreadClasses* classes);

}  // namespace wattline::kernels
