// Colours and markers of a plot. Series colours follow Okabe and Ito's palette, which readers with
// any kind of colour vision tell apart; the yellow is darkened, and blue and black are lightened on
// dark ground, for contrast.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace wattline::roofline {

enum class Theme { kAuto, kLight, kDark };  // kAuto: as the reader's system prefers

inline constexpr size_t kSeriesColours = 8;
inline constexpr size_t kNeutralColour = 6;  // black or white
inline constexpr size_t kMarkerShapes = 8;
inline constexpr size_t kMarkerFills = 6;

// Rules for the classes that the drawing uses, in plain colours: programs that know no variables
// (librsvg, Inkscape) draw it too. kAuto adds the dark ones under prefers-color-scheme.
std::string SvgStyleSheet(Theme theme);
// The same palette as custom properties of the page: --bg, --fg, --soft, --line, --s0 ... --s7.
std::string PageVariables(Theme theme);
// <linearGradient>s of the half-filled markers of these colours. Ids start with `prefix`, so
// that two pictures may stand in one page.
std::string MarkerDefs(const std::vector<size_t>& colours, std::string_view prefix);

// One element, class "p", centred at x, y: `radius` is that of the circle of about the same area.
// Fill 0 is solid, 1 hollow, 2 to 5 filled on the left, the right, below, above.
std::string Marker(size_t shape, size_t fill, size_t colour, double x, double y, double radius,
                   std::string_view prefix, std::string_view attributes = "");
// stroke-dasharray of a roof; "" for the first.
std::string_view Dash(size_t index);

}  // namespace wattline::roofline
