// What a test of llama-bench did, and on what.
#pragma once

#include <optional>
#include <string>

#include "roofline/readers/llama_bench_records.h"

namespace wattline::roofline {

// `prompt` tokens at once behind `depth`, then `generated` ones.
struct LlamaTest {
  int prompt = 0;
  int generated = 0;
  int depth = 0;
};

// "pp512", "tg128", "pp512+tg128", "pp512 @ d4096"; "tg128@pp512" of ik_llama.cpp, where the prompt
// is not timed.
std::optional<LlamaTest> LlamaTestOfLabel(const std::string& label);

// Empty where the record has none of it.
const std::string& Text(const LlamaRecord& record, const std::string& key);

// "llama.cpp-metal"
std::string BackendOf(const LlamaRecord& record);
bool IsOnCpu(const std::string& backend);
// Of the GPU where the backend is one's.
std::string ChipOf(const LlamaRecord& record);

// The field says how a test was run; the others name the build, the machine, the model and the
// outcome.
bool IsSetting(const std::string& field);
// How a setting is called in a row's name: "fa" of flash_attn.
std::string CaseOf(const std::string& field);

}  // namespace wattline::roofline
