// State of the fake Apple libraries: what tests set, and what they may look at afterwards.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace wattline {

struct FakeChannel {
  std::string name;
  std::string unit = "mJ";
  // Added up by the test. What samples show is as of the latest publication: of every sample for a
  // live channel, of Publish() for one of a batch.
  int64_t count = 0;
  bool live = true;
  int format = 1;  // 1: simple
  std::string group = "Energy Model";
  bool missing = false;  // no more in samples
  bool stamped = true;
  int64_t shown = 0;
  uint64_t stamp = 0;
};

struct FakeApple {
  std::vector<FakeChannel> channels;
  bool has_group = true;
  bool subscribes = true;
  bool samples = true;         // false: CreateSamples fails
  bool reversed = false;       // samples list channels in another order
  bool has_elements = true;    // false: samples carry no RawElements
  uint64_t ticks = 1'000'000;  // mach_absolute_time
  uint32_t numer = 125;        // of mach_timebase_info: 24 MHz
  uint32_t denom = 3;
  std::function<void()> before_sample;  // what passes before a sample is taken
  std::vector<std::string> subscribed;  // names, as of the latest subscription
  long objects = 0;                     // references that are held; singletons excluded

  // The system controller: one key.
  bool has_controller = true;
  int open_result = 0;             // of IOServiceOpen
  uint32_t smc_key = 0x50535452;   // "PSTR"
  uint32_t smc_type = 0x666c7420;  // "flt "
  uint32_t smc_byte = 4;
  float smc_w = 0;
  int smc_result = 0;  // of the call itself
  long ports = 0;      // services and connections that are open

  // The IO registry's GPU, the source of power, notify(3) and NSProcessInfo.
  bool has_gpu = true;
  int64_t gpu_cores = 0;
  bool gpu_cores_are_text = false;
  bool has_gpu_cores = true;
  std::string power_source = "AC Power";  // empty: no such answer
  uint32_t notify_status = 0;             // of notify_register_check
  uint64_t thermal_level = 0;
  bool low_power_mode = false;
  long tokens = 0;  // of notify(3) that are open

  FakeChannel& Find(const std::string& name) {
    for (FakeChannel& channel : channels) {
      if (channel.name == name) return channel;
    }
    return channels.emplace_back(FakeChannel{name});
  }
  // A batch: every channel shows its count, stamped now.
  void Publish() {
    for (FakeChannel& channel : channels) {
      channel.shown = channel.count;
      channel.stamp = ticks;
    }
  }
};

}  // namespace wattline
