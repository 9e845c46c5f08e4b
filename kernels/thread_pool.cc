#include "kernels/thread_pool.h"

#include <atomic>
#include <cassert>
#include <chrono>
#include <span>
#include <thread>

#include "kernels/cpu/pin.h"

namespace wattline::kernels {
namespace {

// A waiter first loads the line alone: on two cores a barrier is over in 0.15 us, of which a pause
// in between would be a fifth (measured, Emerald Rapids: 147 ns without, 185 ns with pauses).
constexpr int kBareLoads = 200;
// Then it pauses between loads, and parks after a time. Waking a parked thread costs 10 to 60 us (a
// virtual CPU that halted must be scheduled by the host). Between runs: a pool that nobody uses
// draws no power and leaves its CPUs to a library's threads.
constexpr std::chrono::milliseconds kBarrierSpinTime{10};
constexpr std::chrono::microseconds kIdleSpinTime{100};
// At a barrier on a virtual machine waking costs more than time: the host puts the woken CPU beside
// the one that called it, and two CPUs in one cache complex read half as fast as in two. Decode of
// bf16 on two CPUs of Zen 4: parking after 100 us 13.9 tok/s [13.0, 17.2], after 50 ms 17.6 [14.8,
// 19.1] (2026-11-22, 5 interleaved turns). The host took a CPU away from there, for 0.1 to 10 ms,
// some 1000 to 1700 times in 20 s, and for longer 5 times.
// What else wants this CPU gets it after kIdleSpinTime.
constexpr int kPausesPerLook = 32;  // at the clock

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#endif
}

int RoundsFor(int threads) {
  int rounds = 0;
  while ((1 << rounds) < threads) ++rounds;
  return rounds;
}

}  // namespace

// A counter on a cache line of its own that threads wait for. The lowest bit says that a waiter is
// parked, so that who moves the counter calls the system only then, and learns it from the very
// exchange that takes the line.
class alignas(128) ThreadPool::Signal {
 public:
  void MoveTo(uint32_t count) {
    const uint32_t before = word_.exchange(count << 1, std::memory_order_acq_rel);
    if (before & kParked) word_.notify_all();
  }

  // Returns once the counter has reached `count`, modulo 2^31.
  void WaitFor(uint32_t count, std::chrono::microseconds spin_time) {
    for (int i = 0; i < kBareLoads; ++i) {
      if (Reached(Load(), count)) return;
    }
    const auto start = std::chrono::steady_clock::now();
    for (auto now = start; now < start + spin_time; now = std::chrono::steady_clock::now()) {
      for (int i = 0; i < kPausesPerLook; ++i) {
        if (Reached(Load(), count)) return;
        Pause();
      }
      if (now >= start + kIdleSpinTime) std::this_thread::yield();
    }
    Park(count);
  }

 private:
  static constexpr uint32_t kParked = 1;

  uint32_t Load() const { return word_.load(std::memory_order_acquire); }
  static bool Reached(uint32_t word, uint32_t count) {
    return static_cast<int32_t>((word & ~kParked) - (count << 1)) >= 0;
  }
  void Park(uint32_t count) {
    for (uint32_t word = Load(); !Reached(word, count); word = Load()) {
      if (!(word & kParked) && !word_.compare_exchange_weak(word, word | kParked)) continue;
      word_.wait(word | kParked, std::memory_order_acquire);
    }
  }

  std::atomic<uint32_t> word_{0};
};

// The barrier is a dissemination barrier (Hensgen, Finkel and Manber, 1988): in round r each thread
// tells the one 2^r places on that it has come, and waits for the one 2^r places back. Two threads
// meet with one line each way at the same time, 16 in four such steps; no line has two writers. A
// counter that all threads add to, with a line that the last one writes, took 224 ns on two cores
// against 147 ns (measured, Emerald Rapids, a line's round trip 260 ns, 2026-11-21).
struct ThreadPool::State {
  explicit State(int count)
      : size(count),
        rounds(RoundsFor(count)),
        arrivals(static_cast<size_t>(count * RoundsFor(count))),
        meetings(static_cast<size_t>(count)) {}

  struct alignas(128) Count {
    uint32_t value = 0;
  };

  const int size;
  const int rounds;
  Signal start;                  // counts Run calls
  std::vector<Signal> arrivals;  // [size, rounds]: of the thread that waits
  std::vector<Count> meetings;   // [size]: barriers that this thread has entered
  const std::function<void(Worker&)>* body = nullptr;
  uint32_t runs = 0;  // the caller's count
  bool stop = false;
  bool pinned = false;
  std::vector<std::thread> threads;
};

// Threads take the class of the pool's maker, as on Linux they inherit the CPUs that it may run on.
ThreadPool::ThreadPool(int threads, const std::vector<int>& cpus)
    : state_(std::make_unique<State>(threads)) {
  assert(threads >= 1);
  const ThreadClasses& classes = UsedThreadClasses();
  const ThreadClass inherited = classes.get();
  for (int i = 1; i < threads; ++i) {
    state_->threads.emplace_back([this, i, inherited, set = classes.set] {
      if (inherited != ThreadClass::kUnset) set(inherited);
      State* state = state_.get();
      for (uint32_t run = 1;; ++run) {
        state->start.WaitFor(run, kIdleSpinTime);
        if (state->stop) return;
        Worker worker(*this, {i, state->size});
        (*state->body)(worker);
        worker.Barrier();
      }
    });
  }
  if (!cpus.empty()) Pin(cpus);
}

ThreadPool::~ThreadPool() {
  state_->stop = true;
  state_->start.MoveTo(++state_->runs);
  for (std::thread& thread : state_->threads) thread.join();
}

int ThreadPool::size() const { return state_->size; }
bool ThreadPool::pinned() const { return state_->pinned; }

void ThreadPool::Pin(const std::vector<int>& cpus) {
  std::atomic<bool> pinned{!cpus.empty()};
  Run([&cpus, &pinned](Worker& worker) {
    const auto index = static_cast<size_t>(worker.slice().index);
    if (!PinThisThread(std::span(cpus).subspan(index % cpus.size(), 1))) pinned = false;
  });
  state_->pinned = pinned;
}

void ThreadPool::Unpin(const std::vector<int>& allowed) {
  Run([&allowed](Worker&) { PinThisThread(allowed); });
  state_->pinned = false;
}
uint32_t ThreadPool::meetings() const { return state_->meetings[0].value; }

void ThreadPool::Run(const std::function<void(Worker&)>& body) {
  Worker self(*this, {0, state_->size});
  if (state_->size == 1) {
    body(self);
    return;
  }
  state_->body = &body;
  state_->start.MoveTo(++state_->runs);
  body(self);
  self.Barrier();
}

void Worker::Barrier() {
  ThreadPool::State& state = *pool_.state_;
  if (state.size == 1) return;
  const uint32_t meeting = ++state.meetings[static_cast<size_t>(slice_.index)].value;
  for (int round = 0; round < state.rounds; ++round) {
    // Whoever comes to the next meeting before this one is read only moves the counter further.
    const int to = (slice_.index + (1 << round)) % state.size;
    state.arrivals[static_cast<size_t>(to * state.rounds + round)].MoveTo(meeting);
    state.arrivals[static_cast<size_t>(slice_.index * state.rounds + round)].WaitFor(
        meeting, kBarrierSpinTime);
  }
}

}  // namespace wattline::kernels
