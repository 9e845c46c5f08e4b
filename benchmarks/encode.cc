// encode: a whole BERT encoder on one sentence, embeddings and pooler included.
#include "kernels/encode/encode.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "benchmarks/check.h"
#include "benchmarks/fixture.h"
#include "benchmarks/measure.h"
#include "benchmarks/suite.h"
#include "kernels/encode/random_bert.h"
#include "kernels/model/shapes.h"

namespace wattline::benchmarks {
namespace {

constexpr const char* kModel = "bert-base";
constexpr const char* kEncodeFormats[] = {"f32", "bf16", "f16"};
constexpr Choice<int64_t> kSentenceLengths[] = {{32, false},  {64, false},  {128, true},
                                                {256, false}, {384, false}, {512, false}};

// A model, a sentence and the reference's answer, shared by the rows of all backends; the work of
// one row at a time.
class EncodeModel {
 public:
  EncodeModel(const kernels::ModelShape& shape, const std::string& format, int64_t tokens,
              Suite& suite)
      : suite_(suite),
        sentence_(kernels::RandomSentence(shape, tokens, kernels::kSentenceSeed)),
        bert_(kernels::MakeRandomBert(shape, format, kernels::kBertSeed, suite.pool())),
        case_{bert_.model.get(), sentence_.tokens, sentence_.segments} {
    checked_.error = bert_.error;
  }
  // Makes and checks the work of this row, where it is not the one that is there.
  const Checked& Use(const std::string& row, const kernels::Backend& backend) {
    if (row == row_ || !bert_.error.empty()) return checked_;
    row_ = row;
    kernels::MadeWork made = backend.encode(backend, case_, suite_.pool());
    work_ = std::move(made.work);
    checked_ = work_ ? Check() : Checked{made.why_not, 0, std::nullopt};
    return checked_;
  }
  kernels::Work& work() { return *work_; }

 private:
  Checked Check() {
    const kernels::ModelShape& shape = bert_.model->shape;
    if (reference_.empty()) {
      reference_.resize((sentence_.tokens.size() + 1) * static_cast<size_t>(shape.model_dim));
      kernels::EncodeReference(case_, suite_.pool(), reference_.data());
    }
    work_->Run();
    return CheckRms(reference_, work_->Result(),
                    kernels::EncodeTolerance(shape, work_->RoundsTo().operands));
  }

  Suite& suite_;
  kernels::Sentence sentence_;
  kernels::LoadedBert bert_;
  kernels::EncodeCase case_;
  std::vector<double> reference_;
  std::unique_ptr<kernels::Work> work_;
  std::string row_;
  Checked checked_;
};

Counts CountsOf(const kernels::Backend& backend, const kernels::ModelShape& shape,
                const std::string& format, int64_t tokens, const Checked& checked) {
  return RowCounts(backend,
                   {.flop = kernels::EncodeFlop(shape, tokens),
                    .byte = kernels::EncodeByte(shape, *kernels::FormatFromName(format), tokens),
                    .peak = PanelPeak(backend, kernels::FormatFromName(format)),
                    .tokens = tokens,
                    .more = CountersOf(checked)});
}

void Run(benchmark::State& state, Suite& suite, const std::string& name,
         const kernels::Backend& backend, const kernels::ModelShape& shape,
         const std::string& format, int64_t tokens) {
  EncodeModel& model = suite.Keep<EncodeModel>(
      fmt::format("{} {} {} encoder", shape.name, format, tokens),
      [&] { return std::make_shared<EncodeModel>(shape, format, tokens, suite); });
  const Checked& checked = model.Use(name, backend);
  if (!checked.error.empty()) return Skip(state, checked.error);
  kernels::Work& work = model.work();
  Measure(
      state, suite, CountsOf(backend, shape, format, tokens, checked), [&work] { work.Run(); },
      work.Kernel());
}

}  // namespace

void RegisterEncode(Suite& suite) {
  const kernels::NamedShape* named = kernels::FindShape(kModel);
  if (named == nullptr) return;
  for (const char* const format : kEncodeFormats) {
    for (const Choice<int64_t>& length : kSentenceLengths) {
      const std::string part = fmt::format("tokens:{}", length.value);
      std::vector<std::string> words;
      if (!length.in_default) words.push_back(part);
      for (const ShownBackend& shown : suite.backends()) {
        const kernels::Backend& backend = *shown.backend;
        if (backend.encode == nullptr || !Holds(backend, format)) continue;
        const std::string name =
            fmt::format("encode/{}/{}/{}/{}", kModel, format, part, shown.name);
        Register(
            suite, name,
            [&suite, name, &backend, named, format = std::string(format),
             tokens = length.value](benchmark::State& state) {
              Run(state, suite, name, backend, named->shape, format, tokens);
            },
            words);
      }
    }
  }
}

}  // namespace wattline::benchmarks
