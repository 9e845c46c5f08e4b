// FIT.json: the fit as text and back.
#pragma once

#include <optional>
#include <string>

#include "roofline/fit.h"

namespace wattline::roofline {

// Raised where a key changes its meaning.
inline constexpr int kFitSchemaVersion = 1;

// Two spaces of indent, absent values left out, a newline at the end. Throws nothing: a value that
// is not finite is a defect of the fit and is left out like an absent one.
std::string FitJson(const Fit& fit);

struct ReadFitResult {
  std::optional<Fit> fit;
  std::string error;  // one sentence with the path, the place and the value
};
ReadFitResult ReadFit(const std::string& path);
ReadFitResult ParseFit(const std::string& text, const std::string& path);

// The text is a fit rather than a results file.
bool LooksLikeFit(const std::string& text);

}  // namespace wattline::roofline
