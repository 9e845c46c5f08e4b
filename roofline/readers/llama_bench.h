// Reader of llama-bench's outputs, of llama.cpp and its forks.
#pragma once

#include "roofline/readers/reader.h"

namespace wattline::roofline {

extern const Reader kLlamaBench;

}  // namespace wattline::roofline
