#include "roofline/footprints.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

namespace wattline::roofline {
namespace {

constexpr double kUnbounded = std::numeric_limits<double>::infinity();

// Without levels and caches: what no cache of a device holds. The largest known, AMD's Infinity
// Cache of MI300X, has 256 MiB (CDNA 3 white paper).
constexpr double kSurelyMemoryByte = 256.0 * 1024 * 1024;

std::optional<Placed> InResolved(double footprint_byte, std::span<const LevelFit> levels) {
  double before_byte = 0;  // what the level below holds
  bool before_resolved = true;
  for (size_t i = 0; i < levels.size(); ++i) {
    const LevelFit& level = levels[i];
    const bool last = i + 1 == levels.size();
    const bool holds = last || footprint_byte <= level.to_byte;
    if (holds && level.byte_per_s && footprint_byte >= level.from_byte) {
      const double above = i == 0 ? kUnbounded : std::log(footprint_byte / level.from_byte);
      const double below = last ? kUnbounded : std::log(level.to_byte / footprint_byte);
      return Placed{level.name, std::min({above, below, 100.0}), {}};
    }
    if (holds && level.byte_per_s && (i == 0 || before_resolved)) {
      if (i == 0) return Placed{level.name, 0, {}};
      return Placed{level.name, std::log(footprint_byte / level.from_byte),
                    fmt::format("{} lie between {}, which ends at {}, and {}, which begins at {}",
                                SizeText(footprint_byte), levels[i - 1].name, SizeText(before_byte),
                                level.name, SizeText(level.from_byte))};
    }
    if (holds) return std::nullopt;
    before_byte = level.to_byte;
    before_resolved = level.byte_per_s.has_value();
  }
  return std::nullopt;
}

// Of each level the largest cache: cores of several kinds differ.
std::map<int, double> Sizes(std::span<const CacheNote> caches) {
  std::map<int, double> sizes;
  for (const CacheNote& cache : caches) {
    sizes[cache.level] = std::max(sizes[cache.level], cache.byte);
  }
  return sizes;
}

std::optional<Placed> InTold(double footprint_byte, int threads,
                             std::span<const CacheNote> caches) {
  if (caches.empty()) return std::nullopt;
  constexpr int kLastOwnLevel = 2;
  double before_byte = 0;
  for (const auto& [level, byte] : Sizes(caches)) {
    const double share_byte = level <= kLastOwnLevel ? byte : byte / threads;
    if (footprint_byte <= share_byte) {
      const double above = before_byte > 0 ? std::log(footprint_byte / before_byte) : kUnbounded;
      return Placed{fmt::format("L{}", level),
                    std::min({above, std::log(share_byte / footprint_byte), 100.0}),
                    {}};
    }
    before_byte = std::max(before_byte, share_byte);
  }
  return Placed{kMemoryLevel, std::log(footprint_byte / before_byte), {}};
}

std::string Unresolved(double footprint_byte, std::span<const LevelFit> levels) {
  for (const LevelFit& level : levels) {
    if (level.unresolved.empty()) continue;
    if (footprint_byte <= level.to_byte || &level == &levels.back()) return level.unresolved;
  }
  return "no sweep of its levels was measured";
}

}  // namespace

std::string SizeText(double byte) {
  constexpr double kMiB = 1024.0 * 1024.0;
  return byte < kMiB ? fmt::format("{:.4g} KiB", byte / 1024)
                     : fmt::format("{:.4g} MiB", byte / kMiB);
}

Placed PlaceFootprint(double footprint_byte, int threads, std::span<const LevelFit> levels,
                      std::span<const CacheNote> caches) {
  if (const std::optional<Placed> found = InResolved(footprint_byte, levels)) return *found;
  const std::string why = Unresolved(footprint_byte, levels);
  std::optional<Placed> told = InTold(footprint_byte, threads, caches);
  if (told) {
    // A found level of the same name that ends below is another one.
    for (const LevelFit& level : levels) {
      if (level.byte_per_s && level.name == told->level && level.to_byte < footprint_byte) {
        told->level = kMemoryLevel;
      }
    }
    told->remark = fmt::format(
        "the level of {} is {} by the sizes of the caches that the system "
        "tells, for {}",
        SizeText(footprint_byte), told->level, why);
    return *told;
  }
  if (footprint_byte >= kSurelyMemoryByte) {
    return {kMemoryLevel, std::log(footprint_byte / kSurelyMemoryByte), {}};
  }
  return {
      {}, 0, fmt::format("nothing tells which level holds {}: {}", SizeText(footprint_byte), why)};
}

ClearestFootprints FindClearest(std::span<const double> footprints_byte, int threads,
                                std::span<const LevelFit> levels,
                                std::span<const CacheNote> caches) {
  ClearestFootprints clearest;
  std::map<std::string, std::map<double, double>> in_level;  // footprint -> clearness
  for (double byte : footprints_byte) {
    const Placed placed = PlaceFootprint(byte, threads, levels, caches);
    if (!placed.remark.empty()) clearest.remarks.push_back(placed.remark);
    if (!placed.level.empty()) in_level[placed.level][byte] = placed.clearness;
  }
  for (const auto& [level, clearness] : in_level) {
    const auto best =
        std::max_element(clearness.begin(), clearness.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    clearest.byte[level] = best->first;
    if (clearness.size() == 1) continue;
    std::vector<std::string> others;
    for (const auto& [byte, unused] : clearness) {
      if (byte != best->first) others.push_back(SizeText(byte));
    }
    clearest.remarks.push_back(
        fmt::format("{} are in {} as {} are, which lie further inside, and are not used",
                    fmt::join(others, ", "), level, SizeText(best->first)));
  }
  return clearest;
}

}  // namespace wattline::roofline
