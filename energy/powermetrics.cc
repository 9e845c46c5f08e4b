#include "energy/powermetrics.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "energy/child_process.h"
#include "energy/powermetrics_plist.h"
#include "energy/sample_times.h"

namespace wattline::energy {
namespace {

namespace fs = std::filesystem;

constexpr int kInterval_ms = 250;
// A sample comes every 0.26 s (258.1 ms is the median of an M2 on macOS 26.5.2, macmon's
// research/powermetrics); its start takes some tenths of a second more.
constexpr double kSilent_s = 3;
constexpr double kLongestSample_s = 0.35;
constexpr double kReadApart_s = 0.05;  // SamplerOptions::interval_s

constexpr std::string_view kHelp =
    "; run this program with sudo, or allow powermetrics alone: echo \"$USER ALL=(root) NOPASSWD: "
    "/usr/bin/powermetrics\" | sudo tee /etc/sudoers.d/powermetrics";

// cpu_power brings the ANE's energy too. A sampler ane_power exists from macOS 13 on only, and an
// unknown one makes powermetrics refuse to start. Lines are not held back (--buffer-size 1).
std::vector<std::string> CommandLine(const fs::path& program, bool through_sudo) {
  std::vector<std::string> line;
  if (through_sudo) line = {"/usr/bin/sudo", "-n"};
  line.push_back(program.string());
  for (const char* argument : {"--samplers", "cpu_power,gpu_power,thermal", "--format", "plist",
                               "--buffer-size", "1", "--sample-rate"}) {
    line.emplace_back(argument);
  }
  line.push_back(std::to_string(kInterval_ms));
  return line;
}

// In one line, as the end of a sentence: ": 'sudo: a password is required'".
std::string Said(std::string_view text) {
  constexpr size_t kShown_byte = 200;
  std::string line;
  for (const char c : text) {
    if (line.size() == kShown_byte) break;
    line += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  line.erase(0, std::min(line.size(), line.find_first_not_of(' ')));
  return line.empty() ? "" : fmt::format(": '{}'", line);
}

struct Channel {
  Domain domain;
  std::optional<uint64_t> PowermetricsSample::*energy_mj;
};

// A GPU that rests draws under 1 mJ in a sample, an ANE none.
std::vector<Channel> Channels() {
  return {{{"cpu", "CPU cores of the chip", kCpuPart}, &PowermetricsSample::cpu_mj},
          {{"gpu", "GPU of the chip", kGpuPart, true, true}, &PowermetricsSample::gpu_mj},
          {{"ane", "neural engine of the chip", kAnePart, true, true}, &PowermetricsSample::ane_mj},
          {{"dram", "memory of the chip", kDramPart}, &PowermetricsSample::dram_mj}};
}

// The program's output, turned into samples and the instants at which they ended.
class Stream {
 public:
  Stream(std::unique_ptr<ChildProcess> child, TimePoint started, Clock& clock)
      : child_(std::move(child)), clock_(clock), times_(started) {}

  struct Timed {
    PowermetricsSample sample;
    TimePoint end;  // the latest possible one
  };
  // Appends what has arrived. After a fault, which fault() tells, nothing arrives any more: what
  // came in between is not known.
  void Next(std::vector<Timed>& samples) {
    if (!fault_.empty()) return;
    std::string out;
    std::string err;
    const bool open = child_->Read(out, err);
    const TimePoint now = clock_.Now();
    err_ += err.substr(
        0, PlistSplitter::kKeptText_byte - std::min(PlistSplitter::kKeptText_byte, err_.size()));
    std::vector<std::string> documents;
    const bool fits = splitter_.Feed(out, documents);
    for (const std::string& document : documents) {
      ParsedSample parsed = ParsePowermetrics(document);
      if (!parsed.sample) {
        fault_ = parsed.why_not;
        return;
      }
      const TimePoint end = times_.Next(parsed.sample->elapsed_ns, now);
      samples.push_back({std::move(*parsed.sample), end});
    }
    if (!fits) {
      fault_ = "powermetrics printed a sample of over 4 MiB";
    } else if (!open) {
      fault_ = fmt::format("powermetrics ended ({}){}", child_->End(), Words());
    }
  }

  bool Wait(double at_most_s) { return child_->WaitForOutput(at_most_s); }
  // What the program said besides samples.
  std::string Words() const { return Said(err_ + " " + splitter_.other_text()); }
  // "powermetrics must be invoked as the superuser", "sudo: a password is required".
  bool NeedsRights() const {
    return err_.find("superuser") != std::string::npos || err_.find("sudo") != std::string::npos;
  }
  const std::string& fault() const { return fault_; }
  double doubt_s() const { return times_.doubt_s(); }

 private:
  std::unique_ptr<ChildProcess> child_;
  Clock& clock_;
  PlistSplitter splitter_;
  SampleTimes times_;
  std::string err_;
  std::string fault_;
};

class Powermetrics : public PowermetricsMeter {
 public:
  Powermetrics(MeterInfo info, std::vector<Channel> channels, Stream stream,
               const std::vector<Stream::Timed>& first, Clock& clock)
      : PowermetricsMeter(std::move(info)),
        channels_(std::move(channels)),
        stream_(std::move(stream)),
        clock_(clock),
        totals_(channels_.size()) {
    Add(first);
  }

  Reading Read() override {
    Reading reading;
    reading.before = clock_.Now();
    std::vector<Stream::Timed> samples;
    stream_.Next(samples);
    Add(samples);
    reading.after = clock_.Now();
    reading.generation = generation_;
    reading.values.resize(channels_.size());
    if (!WhyLost().empty()) return reading;
    for (size_t d = 0; d < channels_.size(); ++d) {
      if (!totals_[d].known) continue;
      reading.values[d] =
          Value{.joules = static_cast<double>(totals_[d].mj) * 1e-3, .published = end_};
    }
    return reading;
  }

  std::optional<std::string> ThermalPressure() const override { return last_.thermal_pressure; }
  std::optional<std::string> Model() const override { return last_.hw_model; }
  std::optional<std::string> SystemVersion() const override { return last_.kern_osversion; }
  double LatestDoubt_s() const override { return stream_.doubt_s(); }

  std::string WhyLost() const override {
    if (!stream_.fault().empty()) return stream_.fault();
    if (SecondsBetween(arrived_, clock_.Now()) <= kSilent_s) return "";
    return fmt::format("powermetrics gave no sample for {} s{}", kSilent_s, stream_.Words());
  }

 private:
  struct Total {
    uint64_t mj = 0;
    bool known = true;  // the latest sample had it
  };

  void Add(const std::vector<Stream::Timed>& samples) {
    for (const Stream::Timed& timed : samples) {
      for (size_t d = 0; d < channels_.size(); ++d) {
        const std::optional<uint64_t> energy_mj = timed.sample.*channels_[d].energy_mj;
        if (energy_mj) totals_[d].mj += *energy_mj;
        // No difference may span a sample without this energy.
        if (!energy_mj) ++generation_;
        totals_[d].known = energy_mj.has_value();
      }
      end_ = timed.end;
      last_ = timed.sample;
      arrived_ = clock_.Now();
    }
  }

  std::vector<Channel> channels_;
  Stream stream_;
  Clock& clock_;
  std::vector<Total> totals_;
  PowermetricsSample last_;
  TimePoint end_;
  TimePoint arrived_;
  uint32_t generation_ = 0;
};

MeterInfo InfoOf(const std::vector<Channel>& channels, double doubt_s) {
  MeterInfo info;
  info.name = "powermetrics";
  info.kind = Kind::kModelled;
  for (const Channel& channel : channels) info.domains.push_back(channel.domain);
  info.lsb_j = 1e-3;
  info.rounds_each_tick = true;
  info.expected_tick_s = kLongestSample_s;
  // The stamps may get later by as much as the meter is read late.
  info.most_delay_s = doubt_s + kReadApart_s;
  info.note = fmt::format(
      "Apple: its values are estimates and \"should not be used for any comparison between "
      "devices\"; a sample may have ended up to {:.0f} ms before its stamp",
      info.most_delay_s * 1e3);
  return info;
}

}  // namespace

Opened OpenPowermetrics(const MeterOptions& options) {
  const fs::path program = options.root / "usr/bin/powermetrics";
  std::error_code unused;
  if (!fs::exists(program, unused)) {
    return {nullptr, fmt::format("{} is absent: it is a part of macOS", program.string())};
  }
  const bool through_sudo = options.IsThisMachine() && ::geteuid() != 0;
  Clock& clock = *options.clock;
  const TimePoint started = clock.Now();
  ChildProcess::Started child = ChildProcess::Start(CommandLine(program, through_sudo));
  if (!child.child) {
    return {nullptr,
            fmt::format("{} cannot be started: {}", program.string(), std::strerror(child.error)),
            true};
  }
  Stream stream(std::move(child.child), started, clock);
  // Waiting for another process takes real time, whatever clock the meter has.
  const TimePoint until = RealClock().Now() + std::chrono::duration_cast<TimePoint::duration>(
                                                  std::chrono::duration<double>(kSilent_s));
  std::vector<Stream::Timed> first;
  while (first.empty()) {
    const double left_s = SecondsBetween(RealClock().Now(), until);
    if (left_s <= 0 || !stream.Wait(left_s)) {
      stream.Next(first);  // for the program's words
      return {nullptr,
              fmt::format("{} gave no sample within {} s{}", program.string(), kSilent_s,
                          stream.Words()),
              true};
    }
    stream.Next(first);
    if (first.empty() && !stream.fault().empty()) {
      return {nullptr, fmt::format("{}{}", stream.fault(), stream.NeedsRights() ? kHelp : ""),
              true};
    }
  }
  std::vector<Channel> channels = Channels();
  std::erase_if(channels, [&first](const Channel& channel) {
    return !(first.front().sample.*channel.energy_mj).has_value();
  });
  if (channels.empty()) {
    return {nullptr,
            "powermetrics prints no energies: neither cpu_energy nor gpu_energy (Intel "
            "Macs and virtual machines have none)"};
  }
  MeterInfo info = InfoOf(channels, stream.doubt_s());
  return {std::make_unique<Powermetrics>(std::move(info), std::move(channels), std::move(stream),
                                         first, clock),
          ""};
}

}  // namespace wattline::energy
