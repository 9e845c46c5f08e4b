#include "roofline/plot_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

namespace wattline::roofline {
namespace {

// Advance widths of DejaVu Sans 2.37, thousandths of an em, of the characters 32 to 126.
constexpr std::array<uint16_t, 95> kWidth = {
    318,  401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337,  // space ... /
    636,  636, 636, 636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531,  // 0 ... ?
    1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863, 748, 787,  // @ ... O
    603,  787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838, 500,  // P ... _
    500,  613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612,  // ` ... o
    635,  635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838};      // p ... ~
constexpr double kOtherWidth = 1.0;  // em; the full width of a CJK character

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";     // U+2026

// The character at the start of `text`: its bytes, and whether they are UTF-8 that XML allows.
struct Character {
  std::string_view bytes;
  bool allowed = false;
};

Character Next(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) {
    const bool allowed = first >= 0x20 || first == '\t' || first == '\n' || first == '\r';
    return {text.substr(0, 1), allowed && first != 0x7F};
  }
  const size_t length = first >= 0xF0 && first < 0xF5   ? 4
                        : first >= 0xE0 && first < 0xF0 ? 3
                        : first >= 0xC2 && first < 0xE0 ? 2
                                                        : 0;
  if (length == 0 || length > text.size()) return {text.substr(0, 1), false};
  uint32_t code = first & (0x7Fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {text.substr(0, 1), false};
    code = code << 6 | (byte(i) & 0x3Fu);
  }
  constexpr std::array<uint32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const bool allowed = code >= kLeast[length] && code <= 0x10FFFF &&
                       !(code >= 0xD800 && code <= 0xDFFF) && code != 0xFFFE && code != 0xFFFF &&
                       code >= 0xA0;  // C1 controls
  return {text.substr(0, length), allowed};
}

double WidthOf(std::string_view character) {
  const auto code = static_cast<unsigned char>(character[0]);
  if (character.size() > 1 || code < 32 || code > 126) return kOtherWidth;
  return kWidth[code - 32u] / 1000.0;
}

}  // namespace

double TextWidth(std::string_view text, double font_px) {
  double em = 0;
  while (!text.empty()) {
    const Character next = Next(text);
    em += WidthOf(next.bytes);
    text.remove_prefix(next.bytes.size());
  }
  return em * font_px;
}

std::string Shortened(std::string_view text, double font_px, double width_px) {
  if (TextWidth(text, font_px) <= width_px) return std::string(text);
  std::vector<std::string_view> characters;
  for (std::string_view rest = text; !rest.empty();) {
    characters.push_back(Next(rest).bytes);
    rest.remove_prefix(characters.back().size());
  }
  double left_px = width_px - TextWidth(kEllipsis, font_px);
  std::string front, back;
  for (size_t i = 0, first = 0, last = characters.size(); first < last; ++i) {
    const std::string_view next = i % 2 == 0 ? characters[first++] : characters[--last];
    left_px -= WidthOf(next) * font_px;
    if (left_px < 0) break;
    if (i % 2 == 0) {
      front += next;
    } else {
      back.insert(0, next);
    }
  }
  return front + std::string(kEllipsis) + back;
}

std::vector<std::string> Wrapped(std::string_view text, double font_px, double width_px) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    const std::string word = Shortened(text.substr(0, end), font_px, width_px);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string longer = lines.empty() ? word : lines.back() + " " + word;
    if (!lines.empty() && TextWidth(longer, font_px) <= width_px) {
      lines.back() = longer;
    } else {
      lines.push_back(word);
    }
  }
  return lines;
}

std::string ShortNumber(double value) {
  const double size = std::abs(value);
  if (size == 0) return "0";
  if (size < 1e-4 || size >= 1e7) return fmt::format("{:.3g}", value);
  if (size >= 99.95) return fmt::format("{:.0f}", value);
  if (size >= 9.995) return fmt::format("{:.1f}", value);
  if (size >= 0.9995) return fmt::format("{:.2f}", value);
  return fmt::format("{:#.3g}", value);
}

std::string EscapeXml(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character next = Next(text);
    text.remove_prefix(next.bytes.size());
    if (!next.allowed) {
      out += kReplacement;
    } else if (next.bytes == "&") {
      out += "&amp;";
    } else if (next.bytes == "<") {
      out += "&lt;";
    } else if (next.bytes == ">") {
      out += "&gt;";
    } else if (next.bytes == "\"") {
      out += "&quot;";
    } else if (next.bytes == "'") {
      out += "&#39;";
    } else {
      out += next.bytes;
    }
  }
  return out;
}

std::string EscapeScript(std::string_view json) {
  // A "<" stands in strings of JSON only.
  std::string out;
  out.reserve(json.size());
  for (const char c : json) {
    if (c == '<') {
      out += "\\u003c";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace wattline::roofline
