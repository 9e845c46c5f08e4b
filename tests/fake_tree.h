// A folder that stands in for "/": files on disk, and files whose text is computed when it is read.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "energy/meter.h"
#include "energy/meter_options.h"
#include "energy/simulated.h"

namespace wattline::energy {

class FakeTree {
 public:
  FakeTree() {
    const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
    root_ =
        std::filesystem::temp_directory_path() / (std::string(test->test_suite_name()) + "." +
                                                  std::to_string(getpid()) + "." + test->name());
    std::filesystem::create_directories(root_);
  }
  ~FakeTree() { std::filesystem::remove_all(root_); }
  FakeTree(const FakeTree&) = delete;
  FakeTree& operator=(const FakeTree&) = delete;

  const std::filesystem::path& root() const { return root_; }
  SimulatedClock& clock() { return clock_; }

  // `file` is relative to the root.
  void Write(const std::string& file, const std::string& text) {
    std::filesystem::create_directories((root_ / file).parent_path());
    laws_.erase(root_ / file);
    std::ofstream(root_ / file) << text << "\n";
  }
  void Write(const std::string& file, int64_t number) { Write(file, std::to_string(number)); }
  void Folder(const std::string& folder) { std::filesystem::create_directories(root_ / folder); }
  void Remove(const std::string& file) {
    laws_.erase(root_ / file);
    std::filesystem::remove_all(root_ / file);
  }
  // Fails with `error` when it is read, which root would not see from a mode.
  void Refuse(const std::string& file, int error = EACCES) { refused_[root_ / file] = error; }
  void Allow(const std::string& file) { refused_.erase(root_ / file); }
  // The whole number nearest to `law` of the seconds since the tree was made.
  void Follow(const std::string& file, std::function<double(double)> law) {
    Write(file, "0");
    laws_[root_ / file] = std::move(law);
  }

  // What opening and reading a file takes, for callers that wait by reading.
  void SetReadCost(double seconds) { read_cost_s_ = seconds; }

  double Now_s() { return SecondsBetween(start_, clock_.Now()); }

  MeterOptions Options() {
    MeterOptions options;
    options.root = root_;
    options.clock = &clock_;
    options.read = [this](const std::filesystem::path& file) {
      clock_.Advance(read_cost_s_);
      if (const auto refused = refused_.find(file); refused != refused_.end()) {
        return FileText{"", refused->second};
      }
      if (const auto law = laws_.find(file); law != laws_.end()) {
        return FileText{std::to_string(std::llround(law->second(Now_s()))), 0};
      }
      return ReadFileText(file);
    };
    return options;
  }

  // Reads every `interval_s` for `seconds`, as the background thread does: the last reading.
  Reading Run(Meter& meter, double seconds, double interval_s = 0.05) {
    Reading last = meter.Read();
    for (double t = 0; t + interval_s / 2 < seconds; t += interval_s) {
      clock_.Advance(interval_s);
      last = meter.Read();
    }
    return last;
  }

 private:
  std::filesystem::path root_;
  SimulatedClock clock_;
  TimePoint start_ = clock_.Now();
  double read_cost_s_ = 0;
  std::map<std::filesystem::path, int> refused_;
  std::map<std::filesystem::path, std::function<double(double)>> laws_;
};

// The index of a domain; the number of domains where there is none of that name.
inline size_t DomainIndex(const Meter& meter, const std::string& name) {
  size_t d = 0;
  while (d < meter.info().domains.size() && meter.info().domains[d].name != name) ++d;
  return d;
}

// Joules of a domain between two readings, absent where it is lost or there is no such domain.
inline std::optional<double> Joules(const Meter& meter, const Reading& begin, const Reading& end,
                                    const std::string& name) {
  return Difference(begin, end, DomainIndex(meter, name));
}

// Of the domains in the total.
inline double TotalJoules(const Meter& meter, const Reading& begin, const Reading& end) {
  double joules = 0;
  for (size_t d = 0; d < meter.info().domains.size(); ++d) {
    if (meter.info().domains[d].in_total) joules += Difference(begin, end, d).value_or(NAN);
  }
  return joules;
}

}  // namespace wattline::energy
