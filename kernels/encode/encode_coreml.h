// The BERT encoder as Core ML runs it, from a package that tools/coreml_package wrote.
#pragma once

#include "kernels/coreml/coreml_work.h"
#include "kernels/encode/encode.h"
#include "kernels/work.h"

namespace wattline::kernels {

struct Backend;

MadeWork MakeCoreMlEncode(const CoreMlOptions& options, CoreMlUnits units, const EncodeCase& c);
// As a backend: see Backend.
MadeWork MakeCoreMlEncode(const Backend& self, const EncodeCase& c, ThreadPool& pool);

}  // namespace wattline::kernels
