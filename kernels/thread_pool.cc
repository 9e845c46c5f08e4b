#include "kernels/thread_pool.h"

#include <atomic>
#include <cassert>
#include <thread>

#include "kernels/cpu/pin.h"

namespace wattline::kernels {
namespace {

// 2000 pauses are 20 to 100 us on the CPUs that we know: longer than any serial stretch between two
// kernels of a decode step, short enough that an idle pool soon costs no joules.
constexpr int kSpins = 2000;

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#endif
}

// Waits until `value` differs from `old`: spins, then parks in the kernel.
void WaitWhile(const std::atomic<uint32_t>& value, uint32_t old) {
  for (int i = 0; i < kSpins; ++i) {
    if (value.load(std::memory_order_acquire) != old) return;
    Pause();
  }
  while (value.load(std::memory_order_acquire) == old) value.wait(old, std::memory_order_acquire);
}

}  // namespace

struct ThreadPool::State {
  // Each on its own cache line: the line that waiters spin on is written once per meeting.
  alignas(128) std::atomic<uint32_t> generation{0};  // counts Run calls
  alignas(128) std::atomic<uint32_t> arrived{0};     // threads at the current barrier
  alignas(128) std::atomic<uint32_t> phase{0};       // counts completed barriers
  const std::function<void(Worker&)>* body = nullptr;
  bool stop = false;
  int size = 1;
  bool pinned = false;
  std::vector<std::thread> threads;
};

ThreadPool::ThreadPool(int threads, std::vector<int> cpus) : state_(std::make_unique<State>()) {
  assert(threads >= 1);
  state_->size = threads;
  std::atomic<bool> pinned{!cpus.empty()};
  const auto pin = [&cpus, &pinned](int index) {
    if (cpus.empty()) return;
    if (!PinThisThread(cpus[static_cast<size_t>(index) % cpus.size()])) pinned = false;
  };
  std::atomic<int> started{1};
  for (int i = 1; i < threads; ++i) {
    state_->threads.emplace_back([this, i, &pin, &started] {
      pin(i);
      uint32_t seen = 0;
      State* state = state_.get();
      started.fetch_add(1, std::memory_order_release);
      while (true) {
        WaitWhile(state->generation, seen);
        ++seen;
        if (state->stop) return;
        Worker worker(*this, {i, state->size});
        (*state->body)(worker);
        worker.Barrier();
      }
    });
  }
  pin(0);
  while (started.load(std::memory_order_acquire) < threads) std::this_thread::yield();
  state_->pinned = pinned;
}

ThreadPool::~ThreadPool() {
  state_->stop = true;
  state_->generation.fetch_add(1, std::memory_order_release);
  state_->generation.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

int ThreadPool::size() const { return state_->size; }
bool ThreadPool::pinned() const { return state_->pinned; }

void ThreadPool::Run(const std::function<void(Worker&)>& body) {
  Worker self(*this, {0, state_->size});
  if (state_->size == 1) {
    body(self);
    return;
  }
  state_->body = &body;
  state_->generation.fetch_add(1, std::memory_order_release);
  state_->generation.notify_all();
  body(self);
  self.Barrier();
}

void Worker::Barrier() {
  ThreadPool::State& state = *pool_.state_;
  if (state.size == 1) return;
  const uint32_t phase = state.phase.load(std::memory_order_acquire);
  if (state.arrived.fetch_add(1, std::memory_order_acq_rel) + 1 ==
      static_cast<uint32_t>(state.size)) {
    state.arrived.store(0, std::memory_order_relaxed);
    state.phase.fetch_add(1, std::memory_order_release);
    state.phase.notify_all();
    return;
  }
  WaitWhile(state.phase, phase);
}

}  // namespace wattline::kernels
