#include "kernels/ceiling/ceiling.h"

namespace wattline::kernels {

const char* Name(PeakFormat format) {
  switch (format) {
    case PeakFormat::kF32:
      return "f32";
    case PeakFormat::kBF16:
      return "bf16";
    case PeakFormat::kInt8:
      return "int8";
  }
  return "";
}

const char* Name(StreamKind kind) {
  switch (kind) {
    case StreamKind::kRead:
      return "read";
    case StreamKind::kWrite:
      return "write";
    case StreamKind::kCopy:
      return "copy";
    case StreamKind::kTriad:
      return "triad";
  }
  return "";
}

int StreamArrays(StreamKind kind) {
  switch (kind) {
    case StreamKind::kRead:
      return 1;
    case StreamKind::kWrite:
      return 1;
    case StreamKind::kCopy:
      return 2;
    case StreamKind::kTriad:
      return 3;
  }
  return 0;
}

int64_t IntensityKernel::BlockByte() const { return kIntensityBlockVectors * vector_byte; }

double StreamByte(StreamKind kind, int64_t count) {
  return StreamArrays(kind) * static_cast<double>(count) * static_cast<double>(sizeof(float));
}

}  // namespace wattline::kernels
