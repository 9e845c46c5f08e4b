#include "kernels/backend_cpu.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <new>
#include <utility>

#include "kernels/buffer.h"
#include "kernels/float16.h"
#include "kernels/gemm/gemm_elements.h"

namespace wattline::kernels {
namespace {

// Each thread's own bytes in one buffer, on pages of their own.
class Scratch {
 public:
  Scratch(int threads, int64_t byte)
      : stride_byte_((byte + 4095) / 4096 * 4096), buffer_(threads * stride_byte_) {}
  std::byte* Of(Slice slice) const { return buffer_.data() + slice.index * stride_byte_; }

 private:
  int64_t stride_byte_;
  Buffer<std::byte> buffer_;
};

// The function that the pool runs is made once: making it in Run would allocate.
class PoolWork : public Work {
 public:
  explicit PoolWork(ThreadPool& pool) : pool_(pool), body_([this](Worker& w) { Body(w); }) {}
  void Run() override { pool_.Run(body_); }

 protected:
  virtual void Body(Worker& worker) = 0;
  ThreadPool& pool_;

 private:
  std::function<void(Worker&)> body_;
};

class GemmWork : public PoolWork {
 public:
  GemmWork(const CpuKernels& cpu, const GemmCase& c, ThreadPool& pool)
      : PoolWork(pool),
        cpu_(cpu),
        shape_(c.shape),
        type_(c.type),
        a_(GemmElements(c.type, c.a, c.shape.m * c.shape.k)),
        packed_(cpu.gemm_packed_byte(c.type, c.shape.n, c.shape.k)),
        c_(c.shape.m * c.shape.n),
        scratch_(pool.size(), cpu.gemm_scratch_byte(c.type, c.shape)) {
    pool.Run([&](Worker& w) {
      cpu.gemm_pack(c.type, c.bt, c.shape.n, c.shape.k, packed_.data(), w.slice());
    });
  }
  std::vector<float> Result() const override {
    std::vector<float> out(static_cast<size_t>(c_.size()));
    const auto* integers = reinterpret_cast<const int32_t*>(c_.data());
    for (int64_t i = 0; i < c_.size(); ++i) {
      out[static_cast<size_t>(i)] =
          type_ == GemmType::kInt8 ? static_cast<float>(integers[i]) : c_[i];
    }
    return out;
  }

 private:
  void Body(Worker& worker) override {
    cpu_.gemm(type_, shape_, a_.data(), packed_.data(), c_.data(), scratch_.Of(worker.slice()),
              worker.slice());
  }
  const CpuKernels& cpu_;
  GemmShape shape_;
  GemmType type_;
  Buffer<std::byte> a_;
  Buffer<std::byte> packed_;
  Buffer<float> c_;
  Scratch scratch_;
};

class LinearWork : public PoolWork {
 public:
  LinearWork(const CpuKernels& cpu, const LinearCase& c, ThreadPool& pool)
      : PoolWork(pool),
        cpu_(cpu),
        case_(c),
        forms_(c.tokens, c.w.cols),
        x_(forms_.View(c.x, c.tokens, c.w.cols)),
        y_(c.tokens * c.w.rows),
        scratch_(pool.size(), cpu.linear_scratch_byte(c.w.format, c.tokens, c.w.cols)) {}
  std::vector<float> Result() const override { return {y_.data(), y_.data() + y_.size()}; }

 private:
  void Body(Worker& worker) override {
    const Slice slice = worker.slice();
    cpu_.prepare(case_.w.format, x_, slice);
    worker.Barrier();
    cpu_.linear({case_.w, &x_, y_.data(), case_.w.rows, scratch_.Of(slice)}, slice);
  }
  const CpuKernels& cpu_;
  LinearCase case_;
  ActivationBuffer forms_;
  Activations x_;
  Buffer<float> y_;
  Scratch scratch_;
};

class AttentionWork : public PoolWork {
 public:
  AttentionWork(const CpuKernels& cpu, const AttentionArgs& args, ThreadPool& pool)
      : PoolWork(pool),
        cpu_(cpu),
        args_(args),
        out_(args.shape.tokens * args.shape.heads * args.shape.head_dim),
        scratch_(AttentionScratchByte(args.shape, pool.size())) {
    args_.out = out_.data();
    args_.scratch = scratch_.data();
  }
  std::vector<float> Result() const override { return {out_.data(), out_.data() + out_.size()}; }

 private:
  void Body(Worker& worker) override {
    cpu_.attention(args_, worker.slice());
    worker.Barrier();
    cpu_.attention_merge(args_, worker.slice());
  }
  const CpuKernels& cpu_;
  AttentionArgs args_;
  Buffer<float> out_;
  Buffer<std::byte> scratch_;
};

// From this output on, stores go past the caches: they need not read the lines that they overwrite.
// One thread's q4_0 to f32, GB/s written by ordinary stores and by those: 1 MiB 42 and 22, 4 to 16
// MiB 23 and 22, 32 MiB 20 and 22, 128 MiB 16 and 22, 512 MiB 14 and 22 (Emerald Rapids VM,
// 2026-11-21).
constexpr int64_t kStreamFromByte = int64_t{32} << 20;

class DequantWork : public PoolWork {
 public:
  DequantWork(const CpuKernels& cpu, const Matrix& w, Format to, ThreadPool& pool)
      : PoolWork(pool),
        w_(w),
        to_bf16_(to == Format::kBF16),
        out_(w.rows * w.cols * (to_bf16_ ? 2 : 4)) {
    const bool streams = out_.size() >= kStreamFromByte;
    f32_ = streams ? cpu.stream_f32 : cpu.dequant_f32;
    bf16_ = streams ? cpu.stream_bf16 : cpu.dequant_bf16;
  }
  std::vector<float> Result() const override {
    std::vector<float> out(static_cast<size_t>(w_.rows * w_.cols));
    for (size_t i = 0; i < out.size(); ++i) {
      out[i] = to_bf16_ ? FloatFromBf16(Bf16()[i]) : F32()[i];
    }
    return out;
  }

 private:
  void Body(Worker& worker) override {
    // Rows lie side by side: the share is one long row.
    const Range rows = Share(w_.rows, 1, worker.slice());
    const int64_t count = (rows.end - rows.begin) * w_.cols, begin = rows.begin * w_.cols;
    if (to_bf16_) {
      bf16_(w_.format, w_.Row(rows.begin), count, Bf16() + begin);
    } else {
      f32_(w_.format, w_.Row(rows.begin), count, F32() + begin);
    }
  }
  float* F32() const { return reinterpret_cast<float*>(out_.data()); }
  uint16_t* Bf16() const { return reinterpret_cast<uint16_t*>(out_.data()); }
  Matrix w_;
  bool to_bf16_;
  decltype(CpuKernels::dequant_f32) f32_;
  decltype(CpuKernels::dequant_bf16) bf16_;
  Buffer<std::byte> out_;
};

class NormWork : public PoolWork {
 public:
  NormWork(const CpuKernels& cpu, const NormCase& c, ThreadPool& pool)
      : PoolWork(pool), cpu_(cpu), case_(c) {
    const int64_t count = c.rows * c.cols;
    if (c.operation == NormOperation::kQuantiseQ8) {
      q8_ = Buffer<int8_t>(count);
      scale_ = Buffer<float>(count / kQ8Block);
      block_sum_ = Buffer<float>(count / kQ8Block);
      return;
    }
    out_ = Buffer<float>(count);
    if (c.operation != NormOperation::kRope) return;
    std::copy(c.x, c.x + count, out_.data());
    cos_sin_ = Buffer<float>(c.cols);
    RopeAngles(c.cols, c.position, c.base, nullptr, cos_sin_.data());
  }
  std::vector<float> Result() const override {
    if (case_.operation != NormOperation::kQuantiseQ8) {
      return {out_.data(), out_.data() + out_.size()};
    }
    std::vector<float> values(static_cast<size_t>(q8_.size()));
    for (int64_t i = 0; i < q8_.size(); ++i) {
      values[static_cast<size_t>(i)] = scale_[i / kQ8Block] * static_cast<float>(q8_[i]);
    }
    return values;
  }

 private:
  static constexpr int64_t kQ8Block = 32;

  void Body(Worker& worker) override {
    const Range rows = Share(case_.rows, 1, worker.slice());
    for (int64_t row = rows.begin; row < rows.end; ++row) Row(row);
  }
  void Row(int64_t row) const {
    const int64_t cols = case_.cols, blocks = cols / kQ8Block;
    const float* x = case_.x + row * cols;
    float* out = out_.data() + row * cols;
    switch (case_.operation) {
      case NormOperation::kRmsNorm:
        return cpu_.rms_norm(x, case_.weight, cols, case_.eps, out);
      case NormOperation::kLayerNorm:
        return cpu_.layer_norm(x, case_.weight, case_.bias, cols, case_.eps, out);
      case NormOperation::kRope:
        return cpu_.rope(out, cols, cos_sin_.data(), case_.layout);
      case NormOperation::kSwiGlu:
        return cpu_.swiglu(x, case_.up + row * cols, cols, out);
      case NormOperation::kGelu:
        return cpu_.gelu(x, cols, out);
      case NormOperation::kQuantiseQ8:
        return cpu_.quantise_q8(x, blocks, q8_.data() + row * cols, scale_.data() + row * blocks,
                                block_sum_.data() + row * blocks);
    }
  }
  const CpuKernels& cpu_;
  NormCase case_;
  Buffer<float> out_, cos_sin_;
  Buffer<int8_t> q8_;
  Buffer<float> scale_, block_sum_;
};

std::string WhyNotCpuWeights(Format format) {
  std::string why_not = WhyNotCpuFormat(format);
  return why_not.empty() ? why_not : "the weights are " + why_not;
}

// The only failure of a constructor above is memory.
template <class W, class... Args>
MadeWork MakeCpuWork(Args&&... args) {
  try {
    return {std::make_unique<W>(std::forward<Args>(args)...), {}};
  } catch (const std::bad_alloc&) {
    return {nullptr, "the operands and results do not fit into memory"};
  }
}

}  // namespace

MadeWork MakeCpuGemm(const Backend& backend, const GemmCase& c, ThreadPool& pool) {
  if (c.type == GemmType::kF16) {
    return {nullptr,
            "the CPU kernels multiply no two matrices of f16: f16 weights meet activations "
            "in f32 or bf16, as a linear layer"};
  }
  return MakeCpuWork<GemmWork>(*backend.cpu, c, pool);
}

MadeWork MakeCpuLinear(const Backend& backend, const LinearCase& c, ThreadPool& pool) {
  if (std::string why_not = WhyNotCpuWeights(c.w.format); !why_not.empty())
    return {nullptr, why_not};
  return MakeCpuWork<LinearWork>(*backend.cpu, c, pool);
}

MadeWork MakeCpuAttention(const Backend& backend, const AttentionArgs& c, ThreadPool& pool) {
  return MakeCpuWork<AttentionWork>(*backend.cpu, c, pool);
}

MadeWork MakeCpuDequant(const Backend& backend, const Matrix& w, Format to, ThreadPool& pool) {
  if (std::string why_not = WhyNotCpuWeights(w.format); !why_not.empty()) return {nullptr, why_not};
  if (to != Format::kF32 && to != Format::kBF16) {
    return {nullptr,
            "the CPU kernels unpack to f32 and bf16, not to " + std::string(Info(to).name)};
  }
  return MakeCpuWork<DequantWork>(*backend.cpu, w, to, pool);
}

MadeWork MakeCpuNorm(const Backend& backend, const NormCase& c, ThreadPool& pool) {
  return MakeCpuWork<NormWork>(*backend.cpu, c, pool);
}

}  // namespace wattline::kernels
