#include "benchmarks/session_context.h"

#include <fmt/format.h>

#include "benchmarks/build_info.h"
#include "benchmarks/context_json.h"
#include "kernels/cpu/pin.h"

namespace wattline::benchmarks {
namespace {

Json CeilingsJson(const MeasuredCeilings& ceilings) {
  Json json = Json::object();
  const auto put = [&json](const char* key, const std::optional<double>& value) {
    if (value) json[key] = *value;
  };
  put("f32_flop_per_s", ceilings.f32_flop_per_s);
  put("bf16_flop_per_s", ceilings.bf16_flop_per_s);
  put("f16_flop_per_s", ceilings.f16_flop_per_s);
  put("int8_op_per_s", ceilings.int8_op_per_s);
  put("read_byte_per_s", ceilings.read_byte_per_s);
  for (const CeilingNote& note : ceilings.notes) {
    json["notes"][std::string(note.name)] = note.why_not.empty() ? note.kernel : note.why_not;
  }
  json["threads"] = ceilings.threads;
  json["took_s"] = ceilings.took_s;
  return json;
}

// The UUID would tell whose machine it was.
Json GpusJson(const std::vector<kernels::CudaFacts>& gpus) {
  Json list = Json::array();
  for (const kernels::CudaFacts& gpu : gpus) {
    Json json = {{"name", gpu.name},
                 {"capability", fmt::format("sm_{}", gpu.capability)},
                 {"multiprocessors", gpu.multiprocessors},
                 {"memory_byte", gpu.memory_byte}};
    if (gpu.l2_byte) json["l2_byte"] = *gpu.l2_byte;
    if (!gpu.cuda_version.empty()) json["driver_cuda_version"] = gpu.cuda_version;
    list.push_back(std::move(json));
  }
  return list;
}

}  // namespace

Json SessionContext(const SystemFacts& facts, const Suite& suite, const energy::Chosen& meters) {
  Json context = {{"schema_version", kSchemaVersion},
                  {"google_benchmark_version", WATTLINE_GBENCH_VERSION}};
  context.update(ContextJson(facts, ThisBuild()));
  context["threads"] = suite.options().threads;
  if (!suite.options().core_kinds.empty()) {
    context["core_kinds_used"] = suite.options().core_kinds;
  }
  for (const ShownBackend& shown : suite.backends()) {
    context["backends"][shown.name] = shown.backend->describe();
  }
  const kernels::FoundGpus found = kernels::FindCudaGpus(suite.options().cuda_library);
  if (!found.gpus.empty()) {
    context["gpus"] = GpusJson(found.gpus);
    context["device"] = suite.options().device;
  }
  for (const energy::Unused& unused : meters.unused) {
    context["unused_meters"][unused.name] = unused.why_not;
  }
  context["meters"] = MetersJson(meters.set);
  if (suite.model()) {
    const kernels::ModelShape& shape = suite.model()->shape;
    context["model"] = {{"name", shape.name},
                        {"format", suite.model()->format},
                        {"weight_byte", kernels::WeightByte(*suite.model())}};
  }
  return context;
}

void AddMeasuredContext(Json& context, Suite& suite, bool with_gpu) {
  context["threads_pinned"] = suite.pool().pinned();
  const kernels::ThreadClass asked = kernels::UsedThreadClasses().get();
  if (asked != kernels::ThreadClass::kUnset) {
    context["thread_class"] =
        asked == kernels::ThreadClass::kFast ? "user-interactive" : "background";
  }
  context["ground_read_kernel"] = suite.ground().ReadKernel();
  context["ceilings"] = CeilingsJson(suite.ceilings());
  if (with_gpu) context["gpu_ceilings"] = CeilingsJson(suite.gpu_ceilings());
}

std::string BackendList() {
  std::string text;
  for (const kernels::Backend& backend : kernels::AllBackends()) {
    const std::string why_not = backend.why_not();
    text += fmt::format("{:<12} {}\n", backend.name,
                        why_not.empty() ? backend.describe() : "not usable here: " + why_not);
  }
  return text;
}

}  // namespace wattline::benchmarks
