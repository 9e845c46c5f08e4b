#include "roofline/stand.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "roofline/arithmetic.h"

namespace wattline::roofline {
namespace {

// No machine has more; a name may hold any number.
constexpr double kMostThreads = 1e6;

// The roofs that a row of this backend may be held against: one backend, one number of threads.
class Candidates {
 public:
  Candidates(const Address& address, const Machine& told, const MachineFit& machine)
      : machine_(machine), backend_(address.backend) {
    const auto has_roofs = [&](const std::string& backend) {
      return std::any_of(machine.roofs.begin(), machine.roofs.end(),
                         [&](const Roof& roof) { return roof.key.backend == backend; });
    };
    const Device device = DeviceOf(backend_, told);
    if (!has_roofs(backend_) && device == Device::kCpu) backend_ = "cpu";
    if (!has_roofs(backend_) && device == Device::kCuda) backend_ = "cuda";
    if (device == Device::kCpu) {
      const std::optional<double> threads = address.CaseNumber("threads");
      if (threads && *threads >= 1 && *threads <= kMostThreads) {
        threads_ = static_cast<int>(*threads);
      } else {
        threads_ = told.threads;
      }
    }
    if (!threads_) threads_ = MostThreads();
  }

  const std::string& backend() const { return backend_; }
  int threads() const { return threads_.value_or(1); }

  const Roof* At(const std::string& format, const std::string& level) const {
    return FindRoof(machine_, {format, backend_, threads(), level});
  }
  const Roof* OfFormat(const std::string& format) const {
    if (const Roof* memory = At(format, kMemoryLevel)) return memory;
    return Best([&](const Roof& roof) { return roof.key.format == format; },
                [](const Roof& roof) { return roof.peak_flop_per_s.value; });
  }
  const Roof* OfLevel(const std::string& level) const {
    return Best([&](const Roof& roof) { return roof.key.level == level; },
                [](const Roof& roof) { return roof.byte_per_s.value; });
  }
  std::optional<double> LevelByte(const std::string& level) const {
    for (const LevelFit& one : machine_.levels) {
      if (one.backend == backend_ && one.threads == threads() && one.name == level) {
        return one.byte_per_s;
      }
    }
    return std::nullopt;
  }

 private:
  template <typename Chosen, typename Rank>
  const Roof* Best(Chosen chosen, Rank rank) const {
    const Roof* best = nullptr;
    for (const Roof& roof : machine_.roofs) {
      if (roof.key.backend != backend_ || roof.key.threads != threads() || !chosen(roof)) continue;
      if (best == nullptr || rank(roof) > rank(*best)) best = &roof;
    }
    return best;
  }
  std::optional<int> MostThreads() const {
    std::optional<int> most;
    for (const Roof& roof : machine_.roofs) {
      if (roof.key.backend == backend_) most = std::max(most.value_or(0), roof.key.threads);
    }
    return most;
  }

  const MachineFit& machine_;
  std::string backend_;
  std::optional<int> threads_;
};

// Accelerate multiplies on the matrix units of Apple's CPUs, whose peak no row of ceilings
// measures: that of the vectors does not bound it.
bool HasUnitOfItsOwn(const Address& address, const Candidates& candidates) {
  return address.backend == "accelerate" && candidates.backend() != address.backend;
}

bool HasCeilingBytes(const Address& address) {
  return address.fixture == "ceiling" && address.CaseNumber("kb");
}

Placed PlaceIn(const Address& address, const Machine& told, const MachineFit& machine,
               const Candidates& candidates) {
  std::vector<LevelFit> levels;
  for (const LevelFit& level : machine.levels) {
    if (level.backend == candidates.backend() && level.threads == candidates.threads()) {
      levels.push_back(level);
    }
  }
  const bool is_cpu = DeviceOf(address.backend, told) == Device::kCpu;
  return PlaceFootprint(*address.CaseNumber("kb") * 1024, candidates.threads(), levels,
                        is_cpu ? told.caches : std::vector<CacheNote>{});
}

// A straight roof from the peak of the format and the bandwidth of the level.
std::optional<Roof> Composed(const RoofKey& key, const std::optional<Interval>& peak,
                             const std::optional<Interval>& byte_per_s) {
  if (!peak || !byte_per_s || !(byte_per_s->low > 0)) return std::nullopt;
  Roof roof;
  roof.key = key;
  roof.peak_flop_per_s = *peak;
  roof.byte_per_s = *byte_per_s;
  roof.ridge_flop_per_byte = {peak->value / byte_per_s->value, peak->low / byte_per_s->high,
                              peak->high / byte_per_s->low};
  return roof;
}

std::string WhyNoLimit(const Stand& stand, const std::vector<std::string>& formats, bool computes,
                       const Candidates& candidates) {
  const std::string of = fmt::format("backend {} with {} thread{}", candidates.backend(),
                                     candidates.threads(), candidates.threads() == 1 ? "" : "s");
  if (computes && !stand.peak) {
    return fmt::format("no roof of format {} for {}", fmt::join(formats, " or "), of);
  }
  if (!stand.byte_per_s) return fmt::format("no bandwidth of {} for {}", stand.level, of);
  return {};
}

}  // namespace

Placed PlaceOf(const Row& row, const Machine& told, const MachineFit& machine) {
  if (!row.address || !HasCeilingBytes(*row.address)) return {};
  return PlaceIn(*row.address, told, machine, Candidates(*row.address, told, machine));
}

Stand StandOf(const Row& row, const Machine& told, const MachineFit& machine) {
  Stand stand;
  if (!row.address) {
    stand.why_not = "its name is not of the form fixture/subject/format/backend";
    return stand;
  }
  const Candidates candidates(*row.address, told, machine);
  stand.level = kMemoryLevel;
  stand.streams = Streams(row);
  std::string unplaced;
  if (HasCeilingBytes(*row.address)) {
    const Placed placed = PlaceIn(*row.address, told, machine, candidates);
    stand.level = placed.level;
    stand.streams = !placed.level.empty();
    if (placed.level.empty()) unplaced = placed.remark;
  }
  const bool own_unit = HasUnitOfItsOwn(*row.address, candidates);
  const bool computes = !own_unit && row.FlopPerS().value_or(0) > 0;
  const std::vector<std::string> formats = ArithmeticOf(row, told);
  RoofKey key{formats.empty() ? row.address->format : formats.front(), candidates.backend(),
              candidates.threads(), stand.level};
  for (const std::string& format : formats) {
    const Roof* of_format = candidates.OfFormat(format);
    if (of_format == nullptr) continue;
    key.format = format;
    if (computes) stand.peak = of_format->peak_flop_per_s;
    if (const Roof* exact = candidates.At(format, stand.level)) {
      if (computes) stand.peak = exact->peak_flop_per_s;
      stand.byte_per_s = exact->byte_per_s;
      if (computes) stand.roof = *exact;
    }
    break;
  }
  if (!stand.byte_per_s && !stand.level.empty()) {
    if (const auto byte_per_s = candidates.LevelByte(stand.level)) {
      stand.byte_per_s = Interval{*byte_per_s, *byte_per_s, *byte_per_s};
    } else if (const Roof* of_level = candidates.OfLevel(stand.level)) {
      stand.byte_per_s = of_level->byte_per_s;
    }
  }
  if (!stand.roof && computes) stand.roof = Composed(key, stand.peak, stand.byte_per_s);
  if (stand.peak || stand.byte_per_s) stand.key = key;
  stand.why_not =
      unplaced.empty() ? WhyNoLimit(stand, formats, computes, candidates) : std::move(unplaced);
  if (own_unit && stand.why_not.empty()) {
    stand.why_not = "no ceiling of the matrix units that Accelerate multiplies on";
  }
  return stand;
}

}  // namespace wattline::roofline
