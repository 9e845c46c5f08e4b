// roofline predict: time, joules and memory of models on machines, measured or from tables.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <set>

#include "roofline/fit_json.h"
#include "roofline/fit_model.h"
#include "tools/program.h"
#include "tools/roofline/commands.h"
#include "tools/roofline/model_work.h"
#include "tools/roofline/predict_output.h"
#include "tools/roofline/predict_validation.h"

namespace wattline::tools {
namespace {

constexpr double kSoldGbByte = 1024.0 * 1024.0 * 1024.0;  // memory is sold in these

struct Options {
  std::string fit_path;
  std::string chip;
  int gpu_cores = 0;
  std::string machine;
  std::string backend;
  std::string models;
  std::string formats = "q4_0";
  std::optional<int64_t> context;  // absent: the prompt
  int64_t prompt = 512;
  int64_t batch = 1;
  double memory_gb = 0;
  std::string prefill_on;
  double link_gbps = 0;
  std::string output = "table";
  std::string out_path;
  bool validate = false, list_models = false, list_chips = false, list_formats = false;
};

// One sentence for stderr.
struct UsageError {
  std::string sentence;
};

// What is predicted on: a fitted machine or a GPU of the tables.
struct Place {
  std::optional<roofline::MachineFit> fit;
  std::optional<roofline::Gpu> gpu;
};

template <typename Names>
std::string Joined(const Names& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

std::vector<std::string> SplitList(const std::string& list) {
  std::vector<std::string> parts;
  for (size_t from = 0; from <= list.size();) {
    const size_t comma = std::min(list.find(',', from), list.size());
    if (comma > from) parts.push_back(list.substr(from, comma - from));
    from = comma + 1;
  }
  return parts;
}

std::vector<std::string> GpuNames(const roofline::GpuTables& tables) {
  std::vector<std::string> names;
  for (const roofline::Gpu& gpu : tables.gpus) {
    if (std::find(names.begin(), names.end(), gpu.name) == names.end()) names.push_back(gpu.name);
  }
  return names;
}

// "M2 Max" or "M2 Max:30".
Place PlaceOfChip(const std::string& flag, const std::string& text, int cores,
                  const roofline::GpuTables& tables) {
  std::string name = text;
  if (const size_t colon = text.rfind(':'); colon != std::string::npos) {
    name = text.substr(0, colon);
    cores = std::atoi(text.c_str() + colon + 1);
    if (cores <= 0) {
      throw UsageError{
          fmt::format("{}={} has no number of GPU cores behind the colon; write it as "
                      "\"M2 Max:30\"",
                      flag, text)};
    }
  }
  const auto gpu =
      roofline::FindGpu(tables.gpus, name, cores > 0 ? std::optional<int>(cores) : std::nullopt);
  if (!gpu) {
    throw UsageError{fmt::format("{}={} is not known; nearest: {}; --list-chips shows all", flag,
                                 name, Joined(NearestNames(name, GpuNames(tables), 3)))};
  }
  return {std::nullopt, gpu};
}

Place PlaceOfFit(const std::string& path, const std::string& slug) {
  roofline::ReadFitResult read = roofline::ReadFit(path);
  if (!read.fit) throw UsageError{read.error};
  std::vector<std::string> slugs;
  for (roofline::MachineFit& machine : read.fit->machines) {
    if (slug.empty() && read.fit->machines.size() == 1) return {std::move(machine), std::nullopt};
    if (machine.chip_slug == slug || machine.chip == slug) {
      return {std::move(machine), std::nullopt};
    }
    slugs.push_back(machine.chip_slug.empty() ? machine.chip : machine.chip_slug);
  }
  if (slugs.empty()) {
    throw UsageError{fmt::format("{}: holds no machine; make it with roofline fit", path)};
  }
  throw UsageError{slug.empty()
                       ? fmt::format("{}: holds {} machines; choose one with --machine={}", path,
                                     slugs.size(), Joined(slugs))
                       : fmt::format("{}: has no machine '{}'; choose one with --machine={}", path,
                                     slug, Joined(slugs))};
}

bool EndsInJson(const std::string& text) {
  return text.size() > 5 && text.compare(text.size() - 5, 5, ".json") == 0;
}

std::vector<const kernels::NamedShape*> ChosenModels(const Options& o) {
  if (o.models.empty()) {
    throw UsageError{"no --model is given; give one, a list of them or all; --list-models"};
  }
  if (o.models == "all") return Decoders();
  std::vector<const kernels::NamedShape*> chosen;
  for (const std::string& name : SplitList(o.models)) {
    const kernels::NamedShape* named = FindDecoder(name);
    if (named == nullptr) {
      std::vector<std::string> names;
      for (const kernels::NamedShape* known : Decoders()) names.push_back(known->shape.name);
      throw UsageError{fmt::format("--model={} is not known; nearest: {}; --list-models shows all",
                                   name, Joined(NearestNames(name, names, 3)))};
    }
    chosen.push_back(named);
  }
  return chosen;
}

std::vector<WeightFormat> ChosenFormats(const Options& o) {
  const std::vector<WeightFormat> all = WeightFormats();
  if (o.formats == "all") return all;
  std::vector<WeightFormat> chosen;
  for (std::string name : SplitList(o.formats)) {
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const WeightFormat& f) { return f.name == name; });
    if (found == all.end()) {
      std::vector<std::string> names;
      for (const WeightFormat& format : all) names.push_back(format.name);
      throw UsageError{
          fmt::format("--format={} is not known; nearest: {}; --list-formats shows all", name,
                      Joined(NearestNames(name, names, 3)))};
    }
    chosen.push_back(*found);
  }
  return chosen;
}

void CheckNumbers(const CLI::App& app, const Options& o) {
  const auto positive = [](const char* flag, auto value, auto most) {
    if (value <= 0 || value > most) {
      throw UsageError{fmt::format("{}={} must be above 0 and at most {}", flag, value, most)};
    }
  };
  constexpr int64_t kMost = int64_t{1} << 24;
  positive("--prompt", o.prompt, kMost);
  positive("--batch", o.batch, int64_t{1} << 16);
  if (o.context && (*o.context < 0 || *o.context > kMost)) {
    throw UsageError{
        fmt::format("--context={} must be at least 0 and at most {}", *o.context, kMost)};
  }
  if (app.count("--gpu_cores") > 0) positive("--gpu_cores", o.gpu_cores, 1024);
  if (app.count("--memory_gb") > 0) positive("--memory_gb", o.memory_gb, 1e6);
  if (app.count("--link_gbps") > 0) positive("--link_gbps", o.link_gbps, 1e6);
  if (o.fit_path.empty() == o.chip.empty()) {
    throw UsageError{o.chip.empty() ? "neither FIT.json nor --chip is given; e.g. "
                                      "roofline predict --chip=\"M2 Max\" --model=llama-3-8b"
                                    : "both FIT.json and --chip are given; leave one out"};
  }
  if (o.prefill_on.empty() != (app.count("--link_gbps") == 0)) {
    throw UsageError{
        o.prefill_on.empty()
            ? "--link_gbps is given without --prefill_on, which names the other chip"
            : "--prefill_on needs --link_gbps, the link's Gbit/s; 40 is Thunderbolt 4"};
  }
}

roofline::MachineModel ModelOf(const Place& place, const roofline::GpuTables& tables,
                               const roofline::FitQuery& query, const WeightFormat& format) {
  if (place.gpu) {
    roofline::MachineModel model =
        roofline::ModelGpu(*place.gpu, tables, format.stands_for, query.memory_byte);
    if (format.name != format.stands_for) {
      // Kernels of one width differ by about this in how they unpack.
      constexpr double kOtherKernel = 0.10;
      for (roofline::PassModel* pass : {&model.prefill, &model.decode}) {
        pass->slowdown.low *= 1 - kOtherKernel;
        pass->slowdown.high *= 1 + kOtherKernel;
      }
      model.remarks.push_back(fmt::format("{} has the efficiencies of {} and a wider range",
                                          format.name, format.stands_for));
    }
    return model;
  }
  roofline::FitModel made = roofline::ModelMachine(*place.fit, query);
  if (!made.model) throw UsageError{made.error};
  return *made.model;
}

PredictedRow PredictRow(const Options& o, const Place& place, const std::optional<Place>& first,
                        const roofline::GpuTables& tables, const kernels::ModelShape& shape,
                        const WeightFormat& format) {
  PredictedRow row;
  row.model = shape.name;
  row.format = format.name;
  row.request = {o.context.value_or(o.prompt), o.prompt, o.batch};
  std::string error;
  const auto work = WorkOf(shape, format, row.request, error);
  if (!work) throw UsageError{error};
  row.work = *work;
  roofline::FitQuery query{shape.name, format.name, row.request.context, o.prompt,
                           o.batch,    o.backend,   std::nullopt};
  if (o.memory_gb > 0) query.memory_byte = o.memory_gb * kSoldGbByte;
  row.machine = ModelOf(place, tables, query, format);
  if (first) {
    query.memory_byte.reset();
    query.backend.clear();
    row.split = roofline::Split{ModelOf(*first, tables, query, format), o.link_gbps * 1e9};
  }
  row.prediction = roofline::Predict(row.machine, row.work, row.split);
  if (std::max(row.request.context, o.prompt) > shape.context) {
    row.remarks.push_back(fmt::format("{} was made for {} positions", shape.name, shape.context));
  }
  if (!row.prediction.fits) {
    row.remarks.push_back("the memory is unknown, so nobody knows whether it fits; --memory_gb");
  }
  return row;
}

std::string ListModels() {
  std::string text;
  for (const kernels::NamedShape* named : Decoders()) {
    text += fmt::format("{:<18} {:7.2f}e9 parameters, context {}\n", named->shape.name,
                        kernels::ParameterCount(named->shape) * 1e-9, named->shape.context);
  }
  return text;
}

std::string ListChips(const roofline::GpuTables& tables) {
  std::string text;
  for (const roofline::Gpu& gpu : tables.gpus) {
    text +=
        fmt::format("{:<9} {:3} cores, {:6.1f} GB/s", gpu.name, gpu.cores, gpu.byte_per_s * 1e-9);
    if (gpu.memory_byte) text += fmt::format(", up to {:g} GB", *gpu.memory_byte / kSoldGbByte);
    text += "\n";
  }
  return text;
}

std::string ListFormats() {
  std::string text;
  for (const WeightFormat& format : WeightFormats()) {
    text += fmt::format("{:<13} {:g} bits per weight{}\n", format.name, format.bits,
                        format.name == "q4_k_m" ? ", nearly" : "");
  }
  return text;
}

std::string Predictions(const Options& o, TableFormat output) {
  const roofline::GpuTables tables = PublishedTables();
  const Place place = o.chip.empty() ? PlaceOfFit(o.fit_path, o.machine)
                                     : PlaceOfChip("--chip", o.chip, o.gpu_cores, tables);
  std::optional<Place> first;
  if (!o.prefill_on.empty()) {
    first = EndsInJson(o.prefill_on) ? PlaceOfFit(o.prefill_on, "")
                                     : PlaceOfChip("--prefill_on", o.prefill_on, 0, tables);
  }
  std::vector<PredictedRow> rows;
  for (const kernels::NamedShape* named : ChosenModels(o)) {
    for (const WeightFormat& format : ChosenFormats(o)) {
      rows.push_back(PredictRow(o, place, first, tables, named->shape, format));
    }
  }
  if (rows.empty()) throw UsageError{"--model or --format names nothing; --list-models"};
  const bool list = (o.models + o.formats).find(',') != std::string::npos;
  return RenderPredictions(rows, list || o.models == "all" || o.formats == "all", output);
}

int RunPredict(const CLI::App& app, const Options& o) {
  try {
    const auto output = TableFormatFromName(o.output);
    if (!output) {
      throw UsageError{
          fmt::format("--output={} is not known; choose table, md, csv or json", o.output)};
    }
    std::string text;
    if (o.list_models) {
      text = ListModels();
    } else if (o.list_chips) {
      text = ListChips(PublishedTables());
    } else if (o.list_formats) {
      text = ListFormats();
    } else if (o.validate) {
      text = RenderValidation(*output);
    } else {
      CheckNumbers(app, o);
      text = Predictions(o, *output);
    }
    const std::string error = WriteOutput(o.out_path, text);
    return error.empty() ? 0 : Fail(error, 1);
  } catch (const UsageError& error) {
    return Fail(error.sentence, kUsage);
  }
}

}  // namespace

Command AddPredict(CLI::App& program) {
  auto o = std::make_shared<Options>();
  CLI::App* app = program.add_subcommand(
      "predict", "Speed, joules and memory of models, on a fitted machine or a chip of the tables");
  app->add_option("fit", o->fit_path, "FIT.json of roofline fit");
  app->add_option("--chip", o->chip, "a chip of --list-chips in place of FIT.json");
  app->add_option("--gpu_cores", o->gpu_cores, "of the chip; default: its largest variant's");
  app->add_option("--machine", o->machine, "which of FIT.json's machines");
  app->add_option("--backend", o->backend, "which of the machine's backends");
  app->add_option("--model", o->models, "name, list of names or all");
  app->add_option("--format", o->formats, "of the weights: name, list or all (default q4_0)");
  app->add_option("--context", o->context,
                  "positions in the cache when a token is decoded (default: the prompt)");
  app->add_option("--prompt", o->prompt, "tokens of the prompt (default 512)");
  app->add_option("--batch", o->batch, "sequences at once (default 1)");
  app->add_option("--memory_gb", o->memory_gb,
                  "of the machine, as sold; default: FIT's or largest");
  app->add_option("--prefill_on", o->prefill_on,
                  "prefill on another FIT.json or chip (\"M2 Max:30\"), its K and V sent");
  app->add_option("--link_gbps", o->link_gbps, "Gbit/s of the link between the two");
  app->add_option("--output", o->output, "table, md, csv or json (default table)");
  app->add_option("-o", o->out_path, "file to write; default: standard output");
  app->add_flag("--validate", o->validate, "predictions beside published speeds not used for them");
  app->add_flag("--list-models", o->list_models, "models that have a name");
  app->add_flag("--list-chips", o->list_chips, "chips of the tables");
  app->add_flag("--list-formats", o->list_formats, "formats of weights");
  app->footer(
      "Example:\n"
      "  roofline predict --chip=\"M2 Max\" --model=llama-3-8b --format=q4_0,f16 --context=4096");
  return {app, [app, o] { return RunPredict(*app, *o); }};
}

}  // namespace wattline::tools
