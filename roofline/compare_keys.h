// What names a row across files, and what of its name belongs to its column instead. For
// compare*.cc.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "roofline/compare.h"
#include "roofline/result.h"

namespace wattline::roofline {

// Parts of an address that columns are made of, so that rows' keys leave them out.
struct LeftOut {
  bool backend = false;
  bool format = false;
  bool isa = false;
  std::vector<std::string> cases;
  bool any() const { return backend || format || isa || !cases.empty(); }
};
LeftOut LeftOutBy(const CompareOptions& options);

struct RowKey {
  std::string key;     // "gemm/4096x4096x4096/bf16"
  std::string column;  // "cpu", "avx2 threads:2"; empty where nothing is left out
};
// Absent where the row has not all that is left out. A foreign name is a key as it is.
std::optional<RowKey> KeyOf(const Row& row, const LeftOut& left_out);

// "avx2" of "cpu_avx2", "best" of "cpu"; absent of others.
std::optional<std::string> IsaOf(std::string_view backend);

// "a.json" of "results/m2/a.json".
std::string FileName(const std::string& path);

}  // namespace wattline::roofline
