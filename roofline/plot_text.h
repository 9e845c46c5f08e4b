// Text in a picture: how wide it may be drawn, how a number is shortened, how a name from a file is
// made safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wattline::roofline {

// An upper bound of the width in pixels: the advance widths of DejaVu Sans, the widest of the usual
// sans-serif fonts, so that boxes hold whatever font the reader has. `text` is UTF-8.
double TextWidth(std::string_view text, double font_px);

// The whole text, or its beginning and end round an ellipsis where it is wider than `width_px`.
std::string Shortened(std::string_view text, double font_px, double width_px);

// Lines that are broken at spaces; a word that is wider than a line is shortened.
std::vector<std::string> Wrapped(std::string_view text, double font_px, double width_px);

// Three or four significant digits without an exponent: "1791", "439", "38.5", "0.0213". Beyond
// 1e-4 ... 1e7 with one.
std::string ShortNumber(double value);

// For SVG and HTML, in text and in quoted attributes. What is not UTF-8 or may not stand in XML
// becomes U+FFFD.
std::string EscapeXml(std::string_view text);

// JSON that stands inside <script>: "</" and "<!--" must not end or open anything there.
std::string EscapeScript(std::string_view json);

}  // namespace wattline::roofline
