// Leave to use the tile registers of AMX, which a process has to ask its system for.
#pragma once

#include <string>

namespace wattline::kernels {

// Asks once for the whole process, all its threads included. Empty where it is granted, else one
// sentence. To be called only where the CPU has AMX_TILE and the system saves its state.
std::string WhyNoAmxPermission();

}  // namespace wattline::kernels
