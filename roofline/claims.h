// What a document says of a machine, beside the rows that were measured: so that the lint can hold
// a README, a plot's table or a blog post against the file that it was made from.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wattline::roofline {

// In JSON: {"what": "read", "value": 118.4, "unit": "GB/s", "where": "README, table 2"} and the
// fields below that are needed. They stand in the list `claims` of a results file's context, or in
// a file of their own: such a list, or an object with it under "claims".
//
//   what            unit       what is claimed
//   read            GB/s       bandwidth of reads from memory; so `write` and `copy`
//   spec_bandwidth  GB/s       the vendor's figure of the memory's bandwidth
//   peak            TFLOPS     of `format`, dense
//   ridge           FLOP/byte  peak of `format` over bandwidth
//   gpu_cores       1          how many the chip has
//   decode          tok/s      of one sequence, where a token needs `byte_per_token` or `row` tells
//   prefill         tok/s
//   speedup         x          of this chip over the chip `over`, in rows of the fixture `of`
//   size            GB         of something that is `byte` bytes
struct Claim {
  std::string what;
  double value = 0;
  std::string unit;
  std::string where;   // the document and the place in it
  std::string chip;    // whose; empty: the machine's of the results file
  std::string format;  // "f16"
  std::string row;     // the row that it is said of
  std::string over;    // the other chip of a speed-up
  std::string of;      // the fixture of a speed-up
  std::optional<double> byte_per_token;
  std::optional<double> byte;
};

struct ReadClaims {
  std::vector<Claim> claims;
  std::string error;  // one sentence with the place and the value; else empty
};

// The claims in a context's JSON text; none where it has no such list.
ReadClaims ClaimsOfContext(const std::string& context, const std::string& path);
// A file of claims.
ReadClaims ParseClaims(const std::string& text, const std::string& path);
ReadClaims LoadClaims(const std::string& path);

// "118.4 GB/s (README, table 2)".
std::string TextOf(const Claim& claim);

// "apple-m4-pro", "Apple M4 Pro" and "m4 pro" are one chip.
std::string PlainChip(std::string_view chip);

}  // namespace wattline::roofline
