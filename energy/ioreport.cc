#include "energy/ioreport.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "energy/ioreport_channels.h"
#include "energy/ioreport_library.h"

namespace wattline::energy {
namespace {

// Batches of macOS 27 come 2.03 to 2.23 s apart on an M5 Max and 0.5 to 1.7 s on an M1 Ultra
// (github.com/lablup/all-smi, issue 415, pull request 412).
constexpr double kLongestBatch_s = 2.3;

// Channels whose stamps lie this close were published together. Those of one batch differ by up to
// 0.2 ms (all-smi, pull request 424: eight channels of an M1 Ultra), batches by 10 ms at least.
constexpr double kTogether_s = 1e-3;

// One element of a channel's "RawElements" data, as a kernel driver fills it in (xnu, iokit/IOKit/
// IOReportTypes.h, IOReportElement): three words of identity, then the time in Mach ticks.
constexpr long kElement_byte = 64;
constexpr size_t kStampAt_byte = 24;

// Mach's clock before a sample was asked for, and an instant after it on that clock and on ours:
// the two are read side by side each time, since Mach's stops while the machine sleeps.
struct Clocks {
  uint64_t asked_ticks = 0;
  uint64_t ticks = 0;
  TimePoint time;
};

// One channel's counter, and what is known about when it was published.
class ChannelCounter {
 public:
  ChannelCounter(std::string name, double joules_per_count)
      : name_(std::move(name)), joules_per_count_(joules_per_count) {}

  const std::string& name() const { return name_; }
  bool read() const { return read_; }
  double joules() const { return static_cast<double>(gained_) * joules_per_count_; }
  const std::optional<TimePoint>& published() const { return published_; }

  void Forget() { read_ = false; }
  // `stamp` is 0 where there is none. False where the counter was set back: it counts on from
  // there.
  bool Next(int64_t count, uint64_t stamp, const std::optional<Clocks>& now, double s_per_tick) {
    read_ = true;
    const bool known = !last_ || count >= *last_;
    const bool moved = last_ && count != *last_;
    if (last_ && known) gained_ += count - *last_;
    last_ = count;
    Place(stamp, moved, now, s_per_tick);
    return known;
  }

 private:
  // A stamp is the time of publication where it was there before the sample was asked for, as those
  // of macOS 27's batches are. A driver that stamps as it is asked (GPU Energy) tells the time of
  // the question, and nothing of when its counter last moved: such a value is of now, like any
  // other counter's. A stamp that stands still while the value moves, goes back, or lies in the
  // future is no time of publication: none of its channel is believed any more. (None of that was
  // seen in 32 s on an M1 Ultra with macOS 27; other chips and older systems are unverified.)
  void Place(uint64_t stamp, bool moved, const std::optional<Clocks>& now, double s_per_tick) {
    if (!now || stamp == 0) {
      published_.reset();
      return;
    }
    const bool same = stamp == stamp_;
    if (stamp > now->ticks || stamp < stamp_ || (same && moved)) believed_ = false;
    if (stamp < now->asked_ticks) batched_ = true;
    stamp_ = stamp;
    if (!believed_ || !batched_) {
      published_.reset();
      return;
    }
    if (same && published_) return;  // one stamp is one time, however often it is read
    const double age_s = static_cast<double>(now->ticks - stamp) * s_per_tick;
    published_ = now->time - std::chrono::duration_cast<TimePoint::duration>(
                                 std::chrono::duration<double>(age_s));
  }

  std::string name_;
  double joules_per_count_;
  std::optional<int64_t> last_;
  int64_t gained_ = 0;  // counts since the first read: an integer, so that nothing is rounded away
  bool read_ = false;
  uint64_t stamp_ = 0;
  bool believed_ = true;
  bool batched_ = false;  // it was seen to publish without being asked
  std::optional<TimePoint> published_;
};

// The counters that are summed to a domain, by their place among the meter's.
struct ChannelSum {
  std::vector<size_t> counters;
  std::optional<Value> held;  // the latest one whose counters were published together
};

class IoReportMeter : public Meter {
 public:
  IoReportMeter(MeterInfo info, std::shared_ptr<const IoReportLibrary> library,
                CfOwner subscription, CfOwner subscribed, std::vector<ChannelCounter> counters,
                std::vector<ChannelSum> sums, Clock& clock)
      : Meter(std::move(info)),
        library_(std::move(library)),
        subscription_(std::move(subscription)),
        subscribed_(std::move(subscribed)),
        channels_key_(MakeCfText(library_, "IOReportChannels")),
        elements_key_(MakeCfText(library_, "RawElements")),
        counters_(std::move(counters)),
        sums_(std::move(sums)),
        clock_(clock) {}

  Reading Read() override {
    Reading reading;
    reading.values.resize(sums_.size());
    for (ChannelCounter& counter : counters_) counter.Forget();
    const uint64_t asked_ticks = library_->ticks_now == nullptr ? 0 : library_->ticks_now();
    reading.before = clock_.Now();
    const CfOwner samples(
        library_, library_->create_samples(subscription_.get(), subscribed_.get(), nullptr));
    reading.after = clock_.Now();
    if (samples) ReadCounters(samples.get(), asked_ticks);
    for (size_t d = 0; d < sums_.size(); ++d) reading.values[d] = Total(sums_[d]);
    reading.generation = generation_;
    return reading;
  }

 private:
  // The counts themselves are read, and not IOReportCreateSamplesDelta: a delta carries the stamps
  // of the earlier sample, shows a channel that this one lacked with all its counts since the start
  // of the machine, and costs a second set of objects. It is the same subtraction (disassembly of
  // _compareSamples and cloneElements in libIOReport).
  void ReadCounters(CfRef samples, uint64_t asked_ticks) {
    const std::optional<Clocks> now = ReadClocks(asked_ticks);
    const double s_per_tick = library_->s_per_tick.value_or(0);
    const CfRef channels = library_->cf_dictionary_get(samples, channels_key_.get());
    const long count = channels == nullptr ? 0 : library_->cf_array_count(channels);
    bool lost = false;
    for (long i = 0; i < count; ++i) {
      const CfRef channel = library_->cf_array_get(channels, i);
      const std::string name = CfText(*library_, library_->get_name(channel));
      const auto counter = std::find_if(counters_.begin(), counters_.end(),
                                        [&](const ChannelCounter& c) { return c.name() == name; });
      const int64_t value = library_->get_integer(channel, nullptr);
      if (counter == counters_.end() || value == kIoReportInvalid) continue;
      lost = !counter->Next(value, Stamp(channel), now, s_per_tick) || lost;
    }
    if (!lost) return;
    ++generation_;
    for (ChannelSum& sum : sums_) sum.held.reset();
  }

  std::optional<Clocks> ReadClocks(uint64_t asked_ticks) {
    if (library_->ticks_now == nullptr || !library_->s_per_tick) return std::nullopt;
    // Interrupted between the two, the pair would be off by as much: the closest of three is taken.
    std::optional<Clocks> best;
    double best_s = 0;
    for (int attempt = 0; attempt < 3; ++attempt) {
      const TimePoint before = clock_.Now();
      const uint64_t ticks = library_->ticks_now();
      const TimePoint after = clock_.Now();
      const double apart_s = SecondsBetween(before, after);
      if (best && apart_s >= best_s) continue;
      best = Clocks{asked_ticks, ticks, before + (after - before) / 2};
      best_s = apart_s;
    }
    return best;
  }

  // 0 where the channel has none.
  uint64_t Stamp(CfRef channel) const {
    const CfRef data = library_->cf_dictionary_get(channel, elements_key_.get());
    if (data == nullptr || library_->cf_type(data) != library_->cf_data_type()) return 0;
    if (library_->cf_data_length(data) < kElement_byte) return 0;
    uint64_t stamp = 0;
    std::memcpy(&stamp, library_->cf_data_bytes(data) + kStampAt_byte, sizeof(stamp));
    return stamp;
  }

  std::optional<Value> Total(ChannelSum& sum) const {
    Value value;
    std::optional<TimePoint> first;
    std::optional<TimePoint> last;
    bool stamped = true;
    for (const size_t index : sum.counters) {
      const ChannelCounter& counter = counters_[index];
      if (!counter.read()) return std::nullopt;
      value.joules += counter.joules();
      if (!counter.published()) {
        stamped = false;
        continue;
      }
      first = std::min(first.value_or(*counter.published()), *counter.published());
      last = std::max(last.value_or(*counter.published()), *counter.published());
    }
    if (!stamped) {
      sum.held.reset();
      return value;
    }
    // One die's batch is there and the other's is not yet: such a sum was never true. The one
    // before it was, at its own time.
    if (SecondsBetween(*first, *last) > kTogether_s) return sum.held ? sum.held : value;
    value.published = first;
    sum.held = value;
    return value;
  }

  std::shared_ptr<const IoReportLibrary> library_;
  CfOwner subscription_;
  CfOwner subscribed_;
  CfOwner channels_key_;
  CfOwner elements_key_;
  std::vector<ChannelCounter> counters_;
  std::vector<ChannelSum> sums_;
  Clock& clock_;
  uint32_t generation_ = 0;
};

std::vector<IoReportChannel> DescribeChannels(const IoReportLibrary& library, CfRef channels) {
  std::vector<IoReportChannel> found;
  const long count = channels == nullptr ? 0 : library.cf_array_count(channels);
  for (long i = 0; i < count; ++i) {
    const CfRef channel = library.cf_array_get(channels, i);
    constexpr int kSimple = 1;  // kIOReportFormatSimple
    found.push_back(
        {CfText(library, library.get_group(channel)), CfText(library, library.get_name(channel)),
         CfText(library, library.get_unit(channel)), library.get_format(channel) == kSimple});
  }
  return found;
}

}  // namespace

Opened OpenIoReport(const MeterOptions& options) {
  if (!options.IsThisMachine() && options.ioreport_library == MeterOptions().ioreport_library) {
    return {nullptr, "not used: --meter_root points at another machine"};
  }
  const LoadedIoReport loaded = LoadIoReport(options);
  if (!loaded.library) return {nullptr, loaded.why_not, loaded.present};
  const std::shared_ptr<const IoReportLibrary>& library = loaded.library;

  const CfOwner group = MakeCfText(library, kIoReportEnergyGroup);
  const CfOwner key = MakeCfText(library, "IOReportChannels");
  const CfOwner all(library, library->copy_channels_in_group(group.get(), nullptr, 0, 0, 0));
  if (!all) {
    return {nullptr, fmt::format("this macOS has no {} group in IOReport: it needs an Apple M "
                                 "chip, which a virtual machine may hide",
                                 kIoReportEnergyGroup)};
  }
  const CfRef listed = library->cf_dictionary_get(all.get(), key.get());
  const std::vector<IoReportChannel> channels = DescribeChannels(*library, listed);
  EnergyDomains chosen = ChooseEnergyChannels(channels);
  if (std::none_of(chosen.domains.begin(), chosen.domains.end(),
                   [](const EnergyDomain& d) { return d.domain.in_total; })) {
    std::string why_not = fmt::format("none of the {} channels of the {} group is known",
                                      channels.size(), kIoReportEnergyGroup);
    if (!chosen.refused.empty()) why_not += ": " + chosen.refused;
    return {nullptr, why_not, true};
  }

  MeterInfo info;
  info.name = "ioreport";
  info.kind = Kind::kModelled;
  info.lsb_j = 0;
  info.expected_tick_s = kLongestBatch_s;
  info.note = "Apple calls its values estimates, not to be compared between devices";
  if (!chosen.refused.empty()) info.note += "; left out: " + chosen.refused;
  // The same dictionary, with the needed channels only.
  const CfOwner desired(library, library->cf_dictionary_create_copy(nullptr, 0, all.get()));
  const CfOwner needed(library, library->cf_array_create(nullptr, 0, library->cf_array_callbacks));
  std::vector<ChannelCounter> counters;
  std::vector<ChannelSum> sums;
  for (EnergyDomain& domain : chosen.domains) {
    ChannelSum sum;
    double lsb_j = 0;
    for (const ChosenChannel& channel : domain.channels) {
      sum.counters.push_back(counters.size());
      counters.emplace_back(channels[channel.index].name, channel.joules_per_count);
      lsb_j += channel.joules_per_count;
      library->cf_array_append(needed.get(),
                               library->cf_array_get(listed, static_cast<long>(channel.index)));
    }
    info.lsb_j = std::max(*info.lsb_j, lsb_j);
    info.domains.push_back(std::move(domain.domain));
    sums.push_back(std::move(sum));
  }
  library->cf_dictionary_set(desired.get(), key.get(), needed.get());

  CfRef subscribed_ref = nullptr;
  CfOwner subscription(
      library, library->create_subscription(nullptr, desired.get(), &subscribed_ref, 0, nullptr));
  CfOwner subscribed(library, subscribed_ref);
  if (!subscription || !subscribed) {
    return {nullptr,
            "IOReport refuses a subscription to its energy channels; a sandbox may forbid it: "
            "run outside of one",
            true};
  }
  return {std::make_unique<IoReportMeter>(std::move(info), library, std::move(subscription),
                                          std::move(subscribed), std::move(counters),
                                          std::move(sums), *options.clock),
          ""};
}

}  // namespace wattline::energy
