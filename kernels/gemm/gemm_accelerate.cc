#include "kernels/gemm/gemm_accelerate.h"

#include <dlfcn.h>

#include <memory>
#include <new>
#include <vector>

#include "kernels/buffer.h"
#include "kernels/gemm/gemm_blas.h"
#include "kernels/gemm/gemm_elements.h"

namespace wattline::kernels {
namespace {

// BLAS_THREADING of vecLib's thread_api.h.
constexpr unsigned kManyThreads = 0;
constexpr unsigned kOneThread = 1;

template <typename F>
bool FindFunction(void* library, const std::string& name, F*& into) {
  into = reinterpret_cast<F*>(dlsym(library, name.c_str()));
  return into != nullptr;
}

// What both kinds of work share: the output, and who computes it.
class AccelerateWork : public Work {
 public:
  AccelerateWork(const Accelerate& library, int threads, int64_t count)
      : library_(library), threads_(threads), out_(count) {}
  void Run() override {
    if (library_.set_threading != nullptr) {
      library_.set_threading(threads_ == 1 ? kOneThread : kManyThreads);
    }
    Multiply(library_, out_.data());
  }
  std::vector<float> Result() const override { return {out_.data(), out_.data() + out_.size()}; }
  std::string Kernel() const override {
    const bool held = threads_ == 1 && library_.set_threading != nullptr;
    return Function() + library_.interface +
           (held ? ", one thread" : ", as many threads as it likes");
  }

 private:
  virtual void Multiply(const Accelerate& library, float* out) = 0;
  virtual std::string Function() const = 0;

  const Accelerate& library_;
  int threads_;
  Buffer<float> out_;
};

class AccelerateGemm : public AccelerateWork {
 public:
  AccelerateGemm(const Accelerate& library, const GemmCase& c, int threads)
      : AccelerateWork(library, threads, c.shape.m * c.shape.n),
        m_(static_cast<int>(c.shape.m)),
        n_(static_cast<int>(c.shape.n)),
        k_(static_cast<int>(c.shape.k)),
        a_(GemmElements(GemmType::kF32, c.a, c.shape.m * c.shape.k)),
        bt_(GemmElements(GemmType::kF32, c.bt, c.shape.n * c.shape.k)) {}

 private:
  void Multiply(const Accelerate& library, float* out) override {
    library.sgemm(kCblasRowMajor, kCblasNoTranspose, kCblasTranspose, m_, n_, k_, 1.0f,
                  reinterpret_cast<const float*>(a_.data()), k_,
                  reinterpret_cast<const float*>(bt_.data()), k_, 0.0f, out, n_);
  }
  std::string Function() const override { return "cblas_sgemm"; }

  int m_, n_, k_;
  Buffer<std::byte> a_, bt_;
};

// Y[tokens, rows] = X[tokens, cols] W[rows, cols]^T.
class AccelerateLinear : public AccelerateWork {
 public:
  AccelerateLinear(const Accelerate& library, const LinearCase& c, int threads)
      : AccelerateWork(library, threads, c.tokens * c.w.rows),
        weights_(reinterpret_cast<const float*>(c.w.data)),
        x_(c.x),
        tokens_(static_cast<int>(c.tokens)),
        rows_(static_cast<int>(c.w.rows)),
        cols_(static_cast<int>(c.w.cols)) {}

 private:
  void Multiply(const Accelerate& library, float* out) override {
    if (tokens_ == 1) {
      library.sgemv(kCblasRowMajor, kCblasNoTranspose, rows_, cols_, 1.0f, weights_, cols_, x_, 1,
                    0.0f, out, 1);
    } else {
      library.sgemm(kCblasRowMajor, kCblasNoTranspose, kCblasTranspose, tokens_, rows_, cols_, 1.0f,
                    x_, cols_, weights_, cols_, 0.0f, out, rows_);
    }
  }
  std::string Function() const override { return tokens_ == 1 ? "cblas_sgemv" : "cblas_sgemm"; }

  const float* weights_;  // [rows, cols]
  const float* x_;        // [tokens, cols]
  int tokens_, rows_, cols_;
};

template <typename Made, typename Case>
MadeWork MakeAccelerate(const Accelerate& library, const Case& c, int threads) {
  try {
    return {std::make_unique<Made>(library, c, threads), {}};
  } catch (const std::bad_alloc&) {
    return {nullptr, "the operands and results do not fit into memory"};
  }
}

const Accelerate& SystemAccelerate() {
  static const Accelerate library = LoadAccelerate(kAcceleratePath);
  return library;
}

}  // namespace

Accelerate LoadAccelerate(const std::string& path) {
  Accelerate found;
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    found.why_not = "Accelerate is a part of macOS, and " + path + " is not here";
    return found;
  }
  // The newer of the two interfaces runs the newer code; both take 32-bit sizes.
  for (const char* interface : {"$NEWLAPACK", ""}) {
    found.interface = interface;
    const bool whole = FindFunction(library, std::string("cblas_sgemm") + interface, found.sgemm) &&
                       FindFunction(library, std::string("cblas_sgemv") + interface, found.sgemv);
    if (!whole) continue;
    FindFunction(library, "BLASSetThreading", found.set_threading);
    return found;
  }
  found.why_not = path + " has no cblas_sgemm and cblas_sgemv";
  return found;
}

MadeWork MakeAccelerateGemm(const Accelerate& library, const GemmCase& c, int threads) {
  if (c.type != GemmType::kF32) {
    return {nullptr, "Accelerate's BLAS multiplies f32, not " + std::string(Name(c.type))};
  }
  return MakeAccelerate<AccelerateGemm>(library, c, threads);
}

MadeWork MakeAccelerateLinear(const Accelerate& library, const LinearCase& c, int threads) {
  if (!AccelerateHolds(c.w.format)) {
    return {nullptr,
            "Accelerate's BLAS takes weights in f32, not " + std::string(Info(c.w.format).name)};
  }
  return MakeAccelerate<AccelerateLinear>(library, c, threads);
}

MadeWork MakeAccelerateGemm(const Backend&, const GemmCase& c, ThreadPool& pool) {
  return MakeAccelerateGemm(SystemAccelerate(), c, pool.size());
}
MadeWork MakeAccelerateLinear(const Backend&, const LinearCase& c, ThreadPool& pool) {
  return MakeAccelerateLinear(SystemAccelerate(), c, pool.size());
}

std::string WhyNotAccelerate() { return SystemAccelerate().why_not; }
std::string DescribeAccelerate() {
  return "Apple's Accelerate, as this macOS has it, cblas_sgemm" + SystemAccelerate().interface;
}
bool AccelerateHolds(Format weights) { return weights == Format::kF32; }

}  // namespace wattline::kernels
