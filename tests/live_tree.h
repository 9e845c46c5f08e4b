// A simulated machine that lives in real time: a thread rewrites the files of its meters, whose
// true power is known, while a program that was started with --meter_root reads them.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <numbers>
#include <string>
#include <thread>
#include <utility>

namespace wattline {

// Swings round its mean like a sine.
struct LivePower {
  double mean_w = 0;
  double swing_w = 0;
  double period_s = 1;

  double Watts(double at_s) const { return mean_w + swing_w * std::sin(Phase(at_s)); }
  // Its integral from 0.
  double Joules(double to_s) const {
    return mean_w * to_s + swing_w * period_s / kTurn * (1 - std::cos(Phase(to_s)));
  }
  // By how much any window's energy may differ from that of the mean.
  double MostSwing_j() const { return 2 * swing_w * period_s / kTurn; }

 private:
  static constexpr double kTurn = 2 * std::numbers::pi;
  double Phase(double at_s) const { return kTurn * at_s / period_s; }
};

class LiveTree {
 public:
  using Clock = std::chrono::steady_clock;

  // `name` sets apart the trees of one process.
  explicit LiveTree(const std::string& name) {
    // Memory where there is some: a disk may hold up its writers.
    std::error_code error;
    const std::filesystem::path memory = "/dev/shm";
    const bool fits =
        std::filesystem::is_directory(memory, error) && ::access(memory.c_str(), W_OK) == 0;
    root_ = (fits ? memory : std::filesystem::temp_directory_path()) /
            fmt::format("wattline_tree.{}.{}", getpid(), name);
    std::filesystem::create_directories(root_);
  }
  ~LiveTree() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
    for (const Live& live : files_) {
      if (live.descriptor >= 0) ::close(live.descriptor);
    }
    std::error_code error;
    std::filesystem::remove_all(root_, error);
  }
  LiveTree(const LiveTree&) = delete;
  LiveTree& operator=(const LiveTree&) = delete;

  const std::filesystem::path& root() const { return root_; }

  // A file that stays as it is.
  void Write(const std::string& file, const std::string& text) {
    std::filesystem::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text << "\n";
  }
  // A powercap zone: "intel-rapl:0", "package-0". Its counter, in uJ, begins at `start_uj` and goes
  // on from 0 behind `range_uj`.
  void Zone(const std::string& zone, const std::string& name, LivePower power, double tick_s = 1e-3,
            uint64_t start_uj = 0, uint64_t range_uj = 262143328850) {
    const std::string folder = "sys/class/powercap/" + zone;
    Write(folder + "/name", name);
    Write(folder + "/max_energy_range_uj", std::to_string(range_uj));
    Counter(EnergyFile(zone), power, tick_s, start_uj, range_uj);
  }
  // A counter of energy, in uJ: "sys/class/hwmon/hwmon0/energy1_input".
  void Counter(const std::string& file, LivePower power, double tick_s, uint64_t start_uj = 0,
               uint64_t range_uj = 262143328850) {
    Live live;
    live.file = file;
    live.tick_s = tick_s;
    live.value = [power, start_uj, range_uj](double at_s, uint64_t set_back_uj) {
      const auto gained_uj = static_cast<uint64_t>(power.Joules(at_s) * 1e6);
      return (start_uj + gained_uj - set_back_uj) % (range_uj + 1);
    };
    Begin(std::move(live));
  }
  static std::string EnergyFile(const std::string& zone) {
    return "sys/class/powercap/" + zone + "/energy_uj";
  }
  // A sensor of power, in uW: "sys/class/hwmon/hwmon0/power1_input".
  void Sensor(const std::string& file, LivePower power, double tick_s) {
    Live live;
    live.file = file;
    live.tick_s = tick_s;
    live.value = [power](double at_s, uint64_t) {
      return static_cast<uint64_t>(power.Watts(at_s) * 1e6);
    };
    Begin(std::move(live));
  }
  void Start() {
    thread_ = std::thread([this] { Run(); });
  }

  // What may befall a file while it is read.
  void SetBack(const std::string& file) {  // a counter restarts from 0
    Change(file, [this](Live& live) {
      live.set_back_uj += live.value(Now_s(), live.set_back_uj);
      Refresh(live);
    });
  }
  void Freeze(const std::string& file) {
    Change(file, [](Live& live) { live.frozen = true; });
  }
  void Remove(const std::string& file) {
    Freeze(file);
    std::filesystem::remove_all(root_ / file);
  }
  // There, but reading it fails for everyone: root takes no notice of a file's mode.
  void Refuse(const std::string& file) {
    Remove(file);
    std::filesystem::create_directories(root_ / file);
  }

  // How long a file has shown a value that was out of date by more than its tick; a write that was
  // held up counts as well. What a reader cannot know of.
  double MostLate_s() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return most_late_s_;
  }

 private:
  struct Live {
    std::string file;
    double tick_s = 1e-3;
    std::function<uint64_t(double at_s, uint64_t set_back_uj)> value;
    uint64_t set_back_uj = 0;
    bool frozen = false;
    int descriptor = -1;
    double written_s = 0;
    double due_s = 0;
  };

  double Now_s() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

  void Begin(Live live) {
    std::filesystem::create_directories((root_ / live.file).parent_path());
    live.descriptor = ::open((root_ / live.file).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    live.written_s = Now_s();
    Refresh(live);
    files_.push_back(std::move(live));
  }
  template <typename Do>
  void Change(const std::string& file, Do change) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (Live& live : files_) {
      if (live.file == file) change(live);
    }
  }
  // One write of a fixed length, aligned, whose digits change within eight bytes: a reader sees the
  // old number or the new one, as in sysfs.
  void Refresh(Live& live) {
    const double now_s = Now_s();
    const std::string text = fmt::format("{:016}", live.value(now_s, live.set_back_uj));
    if (::pwrite(live.descriptor, text.data(), text.size(), 0) < 0) live.frozen = true;
    most_late_s_ = std::max({most_late_s_, now_s - live.written_s - live.tick_s, Now_s() - now_s});
    live.written_s = now_s;
  }
  void Run() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (Live& live : files_) live.written_s = Now_s();
    most_late_s_ = 0;
    while (!stop_) {
      double next_s = Now_s() + 1;
      for (Live& live : files_) {
        if (live.frozen) continue;
        if (live.due_s <= Now_s()) {
          Refresh(live);
          // Files of the same tick are written together. Ticks that were missed are left out.
          live.due_s = (std::floor(Now_s() / live.tick_s) + 1) * live.tick_s;
        }
        next_s = std::min(next_s, live.due_s);
      }
      changed_.wait_until(lock, start_ + std::chrono::duration_cast<Clock::duration>(
                                             std::chrono::duration<double>(next_s)));
    }
  }

  std::filesystem::path root_;
  const Clock::time_point start_ = Clock::now();
  std::deque<Live> files_;
  double most_late_s_ = 0;
  bool stop_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::thread thread_;
};

}  // namespace wattline
