// Memory of this process and of the machine.
#pragma once

#include <optional>

namespace wattline::benchmarks {

// Bytes that can be taken without swapping, within the limits of the process's control group.
std::optional<double> AvailableByte();
// Bytes of this process in memory now.
std::optional<double> ResidentByte();
// The most since ResetPeakResident(), or since the start where the system cannot reset it.
std::optional<double> PeakResidentByte();
void ResetPeakResident();

// Of this process's own resident memory (no files), the share that lies in huge pages: what their
// absence costs is the walk of page tables, some percent of each stream. Absent where the system
// does not tell, or has none.
std::optional<double> HugeShare();

}  // namespace wattline::benchmarks
