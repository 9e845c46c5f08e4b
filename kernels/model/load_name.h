// What a benchmark calls a model from a file: its name and the name of its format.
#pragma once

#include <string>
#include <string_view>

#include "kernels/model/gguf.h"
#include "kernels/model/gguf_keys.h"

namespace wattline::kernels {

// Lower-case letters, digits, '.' and '-' of it; "model" where nothing is left.
std::string NameOfText(std::string_view text);

// general.basename with its size_label, else general.name, else the stem of `source`; in lower-case
// letters, digits, '.' and '-'.
std::string ModelName(GgufKeys& keys, std::string_view source);

// general.file_type's name where it is known ("q4_k_m"), else the format that holds most bytes of
// the located tensors.
std::string FormatName(GgufKeys& keys, const GgufFile& file);

}  // namespace wattline::kernels
