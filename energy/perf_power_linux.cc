#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "energy/perf_power.h"

namespace wattline::energy {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  ~Descriptor() { ::close(descriptor_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

PerfCount OpenOne(uint32_t type, uint64_t config, int cpu) {
  perf_event_attr attributes = {};
  attributes.size = sizeof(attributes);
  attributes.type = type;
  attributes.config = config;
  constexpr int kAllProcesses = -1;
  constexpr int kNoGroup = -1;
  const auto descriptor = static_cast<int>(::syscall(
      SYS_perf_event_open, &attributes, kAllProcesses, cpu, kNoGroup, PERF_FLAG_FD_CLOEXEC));
  if (descriptor < 0) return {nullptr, errno};
  // A std::function is copied, a descriptor is not.
  const auto owned = std::make_shared<Descriptor>(descriptor);
  return {[owned]() -> std::optional<uint64_t> {
            uint64_t count = 0;
            if (::read(owned->get(), &count, sizeof(count)) != sizeof(count)) return std::nullopt;
            return count;
          },
          0};
}

}  // namespace

PerfOpener SystemPerf() { return OpenOne; }

}  // namespace wattline::energy
