#include "kernels/ceiling/ceiling_work.h"

#include <cassert>

#include "kernels/random.h"

namespace wattline::kernels {
namespace {

size_t SliceIndex(const Worker& worker) { return static_cast<size_t>(worker.slice().index); }

}  // namespace

PeakWork::PeakWork(const PeakKernel& kernel, ThreadPool& pool)
    : kernel_(kernel), pool_(pool), cells_(static_cast<size_t>(pool.size())) {
  body_ = [this](Worker& worker) { cells_[SliceIndex(worker)].sum = kernel_.run(steps_); };
}

double PeakWork::Op() const {
  return kernel_.op_per_step * static_cast<double>(steps_) * pool_.size();
}

void PeakWork::Run() { pool_.Run(body_); }

std::vector<float> PeakWork::Result() const {
  std::vector<float> sums;
  for (const Cell& cell : cells_) sums.push_back(static_cast<float>(cell.sum));
  return sums;
}

StreamBuffer::StreamBuffer(int64_t footprint_byte, ThreadPool& pool, StreamFill fill)
    : footprint_byte_(footprint_byte / kLineByte * kLineByte),
      floats_(footprint_byte_ / static_cast<int64_t>(sizeof(float)) * pool.size()) {
  pool.Run([this, fill](Worker& worker) {
    Random random(static_cast<uint64_t>(worker.slice().index) + 1);
    auto* const words = reinterpret_cast<uint64_t*>(part(worker.slice().index));
    const int64_t count = footprint_byte_ / static_cast<int64_t>(sizeof(uint64_t));
    for (int64_t i = 0; i < count; ++i) {
      words[i] = (random.Next() & fill.random_bits) | fill.fixed_bits;
    }
  });
}

float* StreamBuffer::part(int thread) const {
  return floats_.data() + thread * (footprint_byte_ / static_cast<int64_t>(sizeof(float)));
}

StreamWork::StreamWork(const StreamKernel& kernel, const StreamBuffer& buffer,
                       int64_t footprint_byte, ThreadPool& pool)
    : kernel_(kernel), pool_(pool), cells_(static_cast<size_t>(pool.size())) {
  assert(footprint_byte <= buffer.footprint_byte());
  const int64_t array_byte = footprint_byte / StreamArrays(kernel.kind) / kLineByte * kLineByte;
  count_ = array_byte / static_cast<int64_t>(sizeof(float));
  for (int i = 0; i < pool.size(); ++i) {
    float* const part = buffer.part(i);
    StreamArgs& args = cells_[static_cast<size_t>(i)].args;
    args.count = count_;
    args.scale = 1.5f;
    args.out = part;
    const bool reads_only = kernel.kind == StreamKind::kRead;
    args.x = reads_only ? part : part + count_;
    args.y = part + 2 * count_;
  }
  body_ = [this](Worker& worker) {
    Cell& cell = cells_[SliceIndex(worker)];
    cell.args.passes = passes_;
    cell.sum = kernel_.run(cell.args);
  };
}

double StreamWork::Byte() const {
  return StreamByte(kernel_.kind, count_) * static_cast<double>(passes_) * pool_.size();
}

void StreamWork::Run() { pool_.Run(body_); }

std::vector<float> StreamWork::Result() const {
  std::vector<float> sums;
  for (const Cell& cell : cells_) sums.push_back(static_cast<float>(cell.sum));
  return sums;
}

}  // namespace wattline::kernels
