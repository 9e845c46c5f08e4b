// Two steady loads for an NVIDIA GPU: arithmetic in registers, and reads of its memory. They run
// through the CUDA driver's C interface, opened at run time: no part of CUDA is needed to build.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "energy/clock.h"

namespace wattline::device {

using energy::TimePoint;

enum class Load { kCompute, kMemory };

// One launch of a load takes about this long: much more than the gap to the next one, much less
// than a tick of the GPU's meter.
inline constexpr double kLaunch_s = 0.02;

// The first GPU that CUDA shows to this process, with its kernels ready to run.
class CudaGpu {
 public:
  ~CudaGpu();
  CudaGpu(const CudaGpu&) = delete;
  CudaGpu& operator=(const CudaGpu&) = delete;

  const std::string& name() const { return name_; }
  const std::string& uuid() const { return uuid_; }  // as NVML writes it: "GPU-8f1c..."
  int multiprocessors() const { return multiprocessors_; }
  std::string capability() const;  // "sm_90"
  double buffer_byte() const { return static_cast<double>(buffer_byte_); }
  // The driver's words for the first call that failed; empty while none did. Not to be asked while
  // a load is running.
  const std::string& fault() const { return fault_; }

  // Holds results of both loads against the same arithmetic here. Empty where they agree.
  std::string CheckLoads();
  // One launch, from its start to its end, on the thread that opened the GPU.
  bool RunOnce(Load load);
  // FLOP or bytes of one launch of `load`.
  double WorkOf(Load load) const;

 private:
  friend class RunningLoad;
  friend struct OpenedGpu OpenGpu();
  CudaGpu();

  bool Ok(int status, const char* call);
  bool Bind();
  bool Prepare();
  bool FillBuffer();
  bool CalibrateLoads();
  bool UseOnThisThread();
  bool Launch(Load load, unsigned turns);
  unsigned TurnsOf(Load load) const;

  struct Driver;
  std::unique_ptr<Driver> cuda_;
  std::string fault_;
  std::string name_;
  std::string uuid_;
  bool absent_ = false;
  int device_ = 0;
  int multiprocessors_ = 0;
  int major_ = 0;
  int minor_ = 0;
  unsigned threads_ = 0;  // of a launch, all blocks together
  unsigned long long buffer_ = 0;
  unsigned long long out_ = 0;
  unsigned long long buffer_byte_ = 0;
  unsigned compute_turns_ = 0;
  unsigned memory_turns_ = 0;
};

struct OpenedGpu {
  std::unique_ptr<CudaGpu> gpu;
  std::string why_not;
  bool absent = false;  // there is no driver or no GPU: nothing is wrong
};
OpenedGpu OpenGpu();

// Launches a load again and again in a thread of its own, two launches in flight, until it is
// destroyed or stopped.
class RunningLoad {
 public:
  RunningLoad(CudaGpu& gpu, Load load);
  ~RunningLoad() { Stop(); }
  RunningLoad(const RunningLoad&) = delete;
  RunningLoad& operator=(const RunningLoad&) = delete;

  void Stop();
  // FLOP or bytes done between two instants, taken as even within a launch; absent where the load
  // did not run throughout.
  std::optional<double> WorkBetween(TimePoint begin, TimePoint end) const;

 private:
  void Run();
  std::optional<double> LaunchesBy(TimePoint at) const;

  CudaGpu& gpu_;
  const Load load_;
  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;
  std::vector<TimePoint> ends_;  // of launches, guarded by mutex_; the first entry is the start
  std::thread thread_;
};

}  // namespace wattline::device
