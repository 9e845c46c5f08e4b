#include "benchmarks/fixtures.h"

namespace wattline::benchmarks {

void RegisterAll(Suite& suite) {
  RegisterCeiling(suite);
  RegisterCeilingCuda(suite);
  RegisterGemm(suite);
  RegisterAttention(suite);
  RegisterDequant(suite);
  RegisterBlock(suite);
  RegisterBlockStep(suite);
  RegisterDecode(suite);
  RegisterProbeCost(suite);
}

}  // namespace wattline::benchmarks
