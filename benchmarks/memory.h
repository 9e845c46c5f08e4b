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

}  // namespace wattline::benchmarks
