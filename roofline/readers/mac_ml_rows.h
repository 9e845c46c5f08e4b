// Rows and claims of one file of mac-ml-benchmark, whichever of its schemas it has.
#pragma once

#include <string>
#include <string_view>

#include "roofline/json_fields.h"
#include "roofline/readers/foreign.h"

namespace wattline::roofline {

struct MacMlFile {
  Results results;
  Json claims = Json::array();  // for the lint, see claims.h
  LeftOutRows left_out;
  std::string fault;
};

// "M4_Pro" -> "Apple M4 Pro"; empty where the word is no such chip.
std::string AppleChip(std::string_view word);

// {framework, benchmarks{gemm[], attention[], bandwidth[] ...}}
void ReadMacMlBenchmarks(const Json& json, MacMlFile& file);
// {pytorch_mps[], mlx[]}: GEMM
void ReadMacMlDetailed(const Json& json, MacMlFile& file);
// {pytorch_mps{"256"{attention_ms ...}}, mlx{}}: one layer
void ReadMacMlLayers(const Json& json, MacMlFile& file);
// {hardware{}, frameworks{pytorch_mps{}, mlx{}, llama_cpp{}}}
void ReadMacMlFrameworks(const Json& json, MacMlFile& file);
// {benchmark "..._finetuning", model, tokens_per_second}
void ReadMacMlFinetune(const Json& json, MacMlFile& file);
// {float16{achieved_tflops, theoretical_tflops}, memory_bandwidth{}, model_level_mfu{}}: claims
// only
void ReadMacMlUtilization(const Json& json, MacMlFile& file);

}  // namespace wattline::roofline
