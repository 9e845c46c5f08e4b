// Apple's IOReport: energy of the CPU, GPU, neural engine and DRAM of an M chip, without root.
#pragma once

#include "energy/meter.h"
#include "energy/meter_options.h"

namespace wattline::energy {

// Domains and channels as ioreport_channels.h has them; only those channels are subscribed to (a
// sample of all 321 of an M1 Ultra takes 3.5 ms). Each value carries the time of its publication
// where IOReport stamps it: macOS 27 publishes the mJ channels in batches, some 0.5 to 2.2 s apart.
Opened OpenIoReport(const MeterOptions& options);

}  // namespace wattline::energy
