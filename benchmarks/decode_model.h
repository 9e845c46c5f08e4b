// The model that decode rows run: made or loaded once for all of its rows, and checked once for
// each backend against the double-precision decoder.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/check.h"
#include "benchmarks/suite.h"
#include "kernels/decode/decoder.h"
#include "kernels/model/model.h"

namespace wattline::benchmarks {

// Where a decode row's model comes from.
struct ModelSource {
  std::shared_ptr<kernels::Model> loaded;  // from --model; null: a named shape with random weights
  kernels::ModelShape shape;
  std::string format;
};

// "needs 16.1 GB, but 8.2 GB of memory are available"; empty where it fits or nobody knows.
std::string WhyTooLarge(double needed_byte);

class DecodeModel {
 public:
  DecodeModel(const ModelSource& source, Suite& suite);

  const std::string& error() const { return error_; }
  const kernels::Model& model() const { return *model_; }

  // Compares this backend's logits with those of the double-precision decoder: a prompt in one
  // piece and one decode step, every sequence of the batch. Remembered for backend and batch.
  const Checked& Check(const ShownBackend& shown, int64_t batch);

  // The threads of this backend's decode steps: the suite's, or fewer where the user left the
  // number to us and a few steps with fewer were as fast. Memory bandwidth saturates before the
  // cores of a large machine are all at work, and each further one makes meetings longer.
  kernels::ThreadPool& PoolFor(const ShownBackend& shown);

  // The decoder of one row: made when the row's name changes.
  kernels::Decoder* DecoderFor(const std::string& row, const ShownBackend& shown,
                               kernels::DecoderOptions options, kernels::ThreadPool& pool,
                               std::string& why_not);

 private:
  void MakeReference();
  std::optional<double> StepS(const ShownBackend& shown, kernels::ThreadPool& pool);
  Checked Compare(kernels::Decoder& decoder, int64_t batch) const;

  Suite& suite_;
  std::shared_ptr<kernels::Model> model_;
  std::string error_;
  std::vector<double> reference_;  // logits [2, vocab]: after the prompt, after one more token
  int32_t next_token_ = 0;         // the reference's greedy token after the prompt
  std::map<std::pair<std::string, int64_t>, Checked> checks_;
  std::map<std::string, std::shared_ptr<kernels::ThreadPool>> pools_;  // null: the suite's
  std::string decoder_row_;
  std::unique_ptr<kernels::Decoder> decoder_;
};

}  // namespace wattline::benchmarks
