// Reader of clpeak's JSON, CSV and XML.
#pragma once

#include "roofline/readers/reader.h"

namespace wattline::roofline {

extern const Reader kClpeak;

}  // namespace wattline::roofline
