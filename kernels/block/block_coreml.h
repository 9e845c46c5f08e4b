// BERT's block as Core ML runs it, from a package that tools/coreml_package --block wrote.
#pragma once

#include "kernels/block/block.h"
#include "kernels/coreml/coreml_work.h"
#include "kernels/thread_pool.h"
#include "kernels/work.h"

namespace wattline::kernels {

struct Backend;

// x goes in as f16. The layer is that of kBertBlockSeed.
MadeWork MakeCoreMlBlock(const CoreMlOptions& options, CoreMlUnits units, const BlockCase& c);
// As a backend: see Backend.
MadeWork MakeCoreMlBlock(const Backend& self, const BlockCase& c, ThreadPool& pool);

}  // namespace wattline::kernels
