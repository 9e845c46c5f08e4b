#include "benchmarks/fixtures.h"

namespace wattline::benchmarks {

void RegisterAll(Suite& suite) {
  RegisterCeiling(suite);
  RegisterGemm(suite);
  RegisterAttention(suite);
  RegisterDequant(suite);
  RegisterBlock(suite);
  RegisterDecode(suite);
}

}  // namespace wattline::benchmarks
