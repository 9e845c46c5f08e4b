// Published figures of chips, built into the program, beside measured ones.
#pragma once

#include <string>
#include <vector>

#include "roofline/compare.h"
#include "roofline/result.h"
#include "tools/compare/load.h"
#include "tools/text_table.h"

namespace wattline::tools {

// Of `names`, each of which is a reference's name, its chip, or the beginning of names that are
// alike ("apple"). The error names what there is.
LoadedFiles LoadReferences(const std::vector<std::string>& names);

// Keeps those rows of references that one of the files has too, whatever is left out of their
// names, and those references that have such rows. Returns how many rows are left out.
size_t KeepCommonRows(const std::vector<roofline::Results>& files,
                      const roofline::CompareOptions& options,
                      std::vector<roofline::Results>& references);

TextTable ReferenceTable();

}  // namespace wattline::tools
