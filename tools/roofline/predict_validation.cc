#include "tools/roofline/predict_validation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "roofline/samples.h"
#include "tools/reference/embedded.h"
#include "tools/roofline/model_work.h"

namespace wattline::tools {
namespace {

using roofline::Interval;

struct Compared {
  roofline::Gpu gpu;
  std::string format;
  bool prefill = false;
  double published = 0;
  Interval predicted;
  std::string calibration;

  double Error() const { return predicted.value / published - 1; }
  bool Covered() const { return predicted.low <= published && published <= predicted.high; }
};

Interval Rate(const roofline::PassModel& pass, const roofline::Work& work, double tokens) {
  const Interval s = roofline::PassSeconds(pass, work);
  return {tokens / s.value, tokens / s.high, tokens / s.low};
}

std::vector<Compared> ComparePublished(const roofline::GpuTables& tables) {
  std::vector<Compared> all;
  for (const roofline::PublishedSpeed& speed : tables.speeds) {
    const auto gpu = roofline::FindGpu(tables.gpus, speed.gpu, speed.cores);
    const auto work = tables.works.find(speed.format);
    if (!gpu || work == tables.works.end()) continue;
    const roofline::MachineModel model =
        roofline::ModelGpu(*gpu, tables, speed.format, std::nullopt);
    const Interval rate = speed.prefill ? Rate(model.prefill, work->second.prefill, 512)
                                        : Rate(model.decode, work->second.decode, 1);
    all.push_back({*gpu, speed.format, speed.prefill, speed.tok_per_s, rate, model.calibration});
  }
  return all;
}

// Signed percent with one digit: "+3.4 %".
Cell ErrorCell(double error) { return {error, fmt::format("{:+.1f} %", error * 100)}; }

TextTable ComparedTable(const std::vector<Compared>& all) {
  TextTable table;
  table.columns = {{"gpu", "GPU", false},
                   {"gpu_cores", "cores"},
                   {"test", "test", false},
                   {"format", "format", false},
                   {"published_tok_per_s", "published"},
                   {"predicted_tok_per_s", "predicted"},
                   {"predicted_low", "low"},
                   {"predicted_high", "high"},
                   {"error", "error"}};
  for (const Compared& c : all) {
    table.rows.push_back({c.gpu.name, NumberCell(c.gpu.cores), c.prefill ? "pp512" : "tg128",
                          c.format, NumberCell(c.published), NumberCell(c.predicted.value),
                          NumberCell(c.predicted.low, 1, 3), NumberCell(c.predicted.high, 1, 3),
                          ErrorCell(c.Error())});
  }
  return table;
}

TextTable SummaryTable(const std::vector<Compared>& all) {
  std::map<std::pair<std::string, std::string>, std::vector<const Compared*>> groups;
  for (const Compared& c : all) groups[{c.prefill ? "pp512" : "tg128", c.format}].push_back(&c);
  TextTable table;
  table.title = "\nerrors";
  table.columns = {{"test", "test", false}, {"format", "format", false}, {"rows", "rows"},
                   {"median", "median"},    {"worst", "worst"},          {"inside", "in range"}};
  for (const auto& [key, rows] : groups) {
    std::vector<double> errors;
    for (const Compared* c : rows) errors.push_back(std::abs(c->Error()));
    const auto inside =
        std::count_if(rows.begin(), rows.end(), [](const Compared* c) { return c->Covered(); });
    table.rows.push_back(
        {key.first, key.second, NumberCell(static_cast<double>(rows.size())),
         PercentCell(roofline::Median(errors)),
         PercentCell(*std::max_element(errors.begin(), errors.end())),
         Cell(static_cast<double>(inside), fmt::format("{} of {}", inside, rows.size()))});
  }
  return table;
}

// Decode of Mistral 7B on two newer chips, by programs that the calibration does not know.
TextTable OthersTable(const roofline::GpuTables& tables) {
  const roofline::PublishedTable rows = roofline::ParsePublished(PublishedText("apple_m5_m4pro"));
  const std::map<std::string, std::string, std::less<>> formats = {
      {"f16", "f16"}, {"4-bit", "mlx_4bit"}, {"q4_K_M", "q4_k_m"}};
  TextTable table;
  table.title =
      "\ndecode of mistral-7b by other programs: shown, not fitted (PyTorch stays far from limits)";
  table.columns = {{"gpu", "GPU", false},
                   {"program", "program", false},
                   {"format", "format", false},
                   {"published_tok_per_s", "published"},
                   {"predicted_tok_per_s", "predicted"},
                   {"predicted_low", "low"},
                   {"predicted_high", "high"},
                   {"error", "error"}};
  const kernels::NamedShape* shape = FindDecoder("mistral-7b");
  for (size_t i = 0; i < rows.rows.size(); ++i) {
    const auto format = formats.find(rows.Text(i, "dtype"));
    const auto published = rows.Number(i, "value");
    const auto gpu = roofline::FindGpu(tables.gpus, rows.Text(i, "chip"), std::nullopt);
    if (rows.Text(i, "work") != "decode mistral-7b" || format == formats.end() || !published ||
        !gpu || shape == nullptr) {
      continue;
    }
    for (const WeightFormat& known : WeightFormats()) {
      std::string error;
      if (known.name != format->second) continue;
      const auto work = WorkOf(shape->shape, known, {.context = 64}, error);
      if (!work) continue;
      const Interval rate = Rate(
          roofline::ModelGpu(*gpu, tables, known.stands_for, std::nullopt).decode, work->decode, 1);
      table.rows.push_back({gpu->name, std::string(rows.Text(i, "framework")), known.name,
                            NumberCell(published), NumberCell(rate.value),
                            NumberCell(rate.low, 1, 3), NumberCell(rate.high, 1, 3),
                            ErrorCell(rate.value / *published - 1)});
    }
  }
  return table;
}

std::string CalibrationNotes(const std::vector<Compared>& all) {
  std::map<std::string, std::string> by_generation;  // one format's sentence stands for the others
  for (const Compared& c : all) by_generation.emplace(c.gpu.generation, c.calibration);
  std::string text = "\n";
  for (const auto& [generation, calibration] : by_generation) {
    text += fmt::format("{} is predicted from {}\n", generation, calibration);
  }
  return text;
}

}  // namespace

std::string RenderValidation(TableFormat format) {
  const roofline::GpuTables tables = PublishedTables();
  const std::vector<Compared> all = ComparePublished(tables);
  TextTable table = ComparedTable(all);
  table.title = "llama-2-7b in llama.cpp, tok/s; each row predicted without its generation's rows";
  std::string text = Render(table, format);
  if (format == TableFormat::kJson || format == TableFormat::kCsv) return text;
  return text + Render(SummaryTable(all), format) + CalibrationNotes(all) +
         Render(OthersTable(tables), format);
}

}  // namespace wattline::tools
