// oneDNN as a rival GEMM in f32, bf16 and int8, where the program was built with it.
#pragma once

#include <string>

#include "kernels/gemm/gemm.h"
#include "kernels/thread_pool.h"
#include "kernels/work.h"

namespace wattline::kernels {

struct Backend;

MadeWork MakeOneDnnGemm(const Backend& backend, const GemmCase& c, ThreadPool& pool);
std::string DescribeOneDnn();  // version, the instruction set it found, its thread runtime

}  // namespace wattline::kernels
