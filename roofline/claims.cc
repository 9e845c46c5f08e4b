#include "roofline/claims.h"

#include <array>
#include <cctype>
#include <cmath>

#include "roofline/json_fields.h"

namespace wattline::roofline {
namespace {

struct Kind {
  std::string_view what;
  std::string_view unit;
};
constexpr std::array<Kind, 11> kKinds = {{{"read", "GB/s"},
                                          {"write", "GB/s"},
                                          {"copy", "GB/s"},
                                          {"spec_bandwidth", "GB/s"},
                                          {"peak", "TFLOPS"},
                                          {"ridge", "FLOP/byte"},
                                          {"gpu_cores", "1"},
                                          {"decode", "tok/s"},
                                          {"prefill", "tok/s"},
                                          {"speedup", "x"},
                                          {"size", "GB"}}};

std::string KindError(const Claim& claim, const std::string& place) {
  std::string known;
  for (const Kind& kind : kKinds) {
    if (claim.what == kind.what) {
      if (claim.unit == kind.unit) return {};
      return fmt::format("{}.unit is '{}'; a claim of '{}' is in {}", place, claim.unit, claim.what,
                         kind.unit);
    }
    known += (known.empty() ? "" : ", ") + std::string(kind.what);
  }
  return fmt::format("{}.what is '{}'; known are {}", place, claim.what, known);
}

std::string NeedError(const Claim& claim, const std::string& place) {
  if (!(claim.value > 0) || !std::isfinite(claim.value)) {
    return fmt::format("{}.value is {}; a claim is above 0", place, claim.value);
  }
  if (claim.what == "speedup" && (claim.over.empty() || claim.of.empty())) {
    return fmt::format("{} is a speed-up without 'over' (the other chip) and 'of' (the fixture)",
                       place);
  }
  if (claim.what == "peak" && claim.format.empty()) {
    return fmt::format("{} is a peak without 'format'", place);
  }
  if (claim.what == "size" && !claim.byte) {
    return fmt::format("{} is a size without 'byte', what it is the size of", place);
  }
  return {};
}

Claim ReadClaim(const Json& json, const std::string& place, std::string& fault) {
  const Fields fields(json, place, fault);
  Claim claim;
  claim.what = fields.TextOfNeed("what");
  claim.value = fields.NumberOfNeed("value");
  claim.unit = fields.TextOfNeed("unit");
  claim.where = fields.TextOfNeed("where");
  claim.chip = fields.TextOr("chip");
  claim.format = fields.TextOr("format");
  claim.row = fields.TextOr("row");
  claim.over = fields.TextOr("over");
  claim.of = fields.TextOr("of");
  claim.byte_per_token = fields.Number("byte_per_token");
  claim.byte = fields.Number("byte");
  if (fault.empty()) fault = KindError(claim, place);
  if (fault.empty()) fault = NeedError(claim, place);
  return claim;
}

ReadClaims ReadClaimList(const Json& list, const std::string& place, const std::string& path) {
  ReadClaims read;
  std::string fault;
  if (!list.is_array()) fault = fmt::format("{} is {}, not a list", place, list.type_name());
  for (size_t i = 0; fault.empty() && i < list.size(); ++i) {
    read.claims.push_back(ReadClaim(list[i], fmt::format("{}[{}]", place, i), fault));
  }
  if (!fault.empty()) return {{}, fmt::format("{}: {}", path, fault)};
  return read;
}

}  // namespace

ReadClaims ClaimsOfContext(const std::string& context, const std::string& path) {
  if (context.empty()) return {};
  const ParsedJson parsed = ParseJson(context, path);
  if (!parsed.error.empty()) return {{}, parsed.error};
  const auto found = parsed.json.find("claims");
  if (found == parsed.json.end() || found->is_null()) return {};
  return ReadClaimList(*found, "context.claims", path);
}

ReadClaims ParseClaims(const std::string& text, const std::string& path) {
  const ParsedJson parsed = ParseJson(text, path);
  if (!parsed.error.empty()) return {{}, parsed.error};
  if (parsed.json.is_array()) return ReadClaimList(parsed.json, "claims", path);
  const auto found = parsed.json.is_object() ? parsed.json.find("claims") : parsed.json.end();
  if (!parsed.json.is_object() || found == parsed.json.end()) {
    return {{},
            fmt::format("{} is no file of claims: expected a list, or an object with the list "
                        "'claims'",
                        path)};
  }
  return ReadClaimList(*found, "claims", path);
}

ReadClaims LoadClaims(const std::string& path) {
  const LoadedText loaded = LoadText(path);
  if (!loaded.error.empty()) return {{}, loaded.error};
  return ParseClaims(loaded.text, path);
}

std::string TextOf(const Claim& claim) {
  const std::string unit = claim.unit == "1" ? "" : " " + claim.unit;
  return fmt::format("{:.6g}{} ({})", claim.value, unit, claim.where);
}

std::string PlainChip(std::string_view chip) {
  std::string plain;
  for (const char c : chip) {
    const bool is_word = std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (is_word) plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (!is_word && !plain.empty() && plain.back() != ' ') plain += ' ';
  }
  while (!plain.empty() && plain.back() == ' ') plain.pop_back();
  for (const std::string maker : {"apple ", "nvidia ", "amd "}) {
    if (plain.rfind(maker, 0) == 0) plain.erase(0, maker.size());
  }
  return plain;
}

}  // namespace wattline::roofline
