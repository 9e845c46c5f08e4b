#include "benchmarks/fixtures.h"

namespace wattline::benchmarks {

void RegisterAll(Suite& suite) {
  RegisterCeiling(suite);
  RegisterCeilingCuda(suite);
  RegisterCeilingGpu(suite);
  RegisterGemm(suite);
  RegisterAttention(suite);
  RegisterDequant(suite);
  RegisterNorm(suite);
  RegisterBlock(suite);
  RegisterBlockStep(suite);
  RegisterEncode(suite);
  RegisterDecode(suite);
  RegisterProbeCost(suite);
}

}  // namespace wattline::benchmarks
