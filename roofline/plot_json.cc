// The plot's model as JSON, for the page and for who draws it otherwise.
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "roofline/plot_model.h"

namespace wattline::roofline {
namespace {

using OrderedJson = nlohmann::ordered_json;

// Five digits are more than a measurement has; a page of 500 points is to stay small.
double Rounded(double value) { return std::strtod(fmt::format("{:.5g}", value).c_str(), nullptr); }

void PutRounded(OrderedJson& object, const char* key, const std::optional<double>& value) {
  if (value && std::isfinite(*value)) object[key] = Rounded(*value);
}
void PutText(OrderedJson& object, const char* key, const std::string& value) {
  if (!value.empty()) object[key] = value;
}
void PutRounded(OrderedJson& object, const char* key, const Interval& value) {
  PutRounded(object, key, std::optional(value.value));
  if (std::isfinite(value.low) && std::isfinite(value.high)) {
    object[std::string(key) + "_interval"] = {Rounded(value.low), Rounded(value.high)};
  }
}

OrderedJson PlotRoofJson(const PlotRoof& drawn) {
  const Roof& roof = drawn.roof;
  OrderedJson object = {{"chip", drawn.chip},
                        {"format", roof.key.format},
                        {"backend", roof.key.backend},
                        {"threads", roof.key.threads},
                        {"level", roof.key.level}};
  PutRounded(object, "flop_per_s", roof.peak_flop_per_s);
  PutRounded(object, "byte_per_s", roof.byte_per_s);
  PutRounded(object, "ridge_flop_per_byte", roof.ridge_flop_per_byte);
  if (roof.sharpness) PutRounded(object, "sharpness", *roof.sharpness);
  if (drawn.energy) {
    PutRounded(object, "flop_j", drawn.energy->flop_j);
    PutRounded(object, "byte_j", drawn.energy->byte_j);
    PutRounded(object, "constant_w", drawn.energy->constant_w);
    PutRounded(object, "balance_flop_per_byte", drawn.energy->balance_flop_per_byte);
  }
  return object;
}

// Points are many and their keys would be most of the text: arrays, null where a value is absent.
// Fixture, level and, beside intensity and speed, bandwidth follow from the others.
constexpr std::array<const char*, 15> kFields = {
    "number",     "chip",   "row",        "format",         "bound",
    "roof",       "time_s", "time_share", "flop_per_byte",  "flop_per_s",
    "byte_per_s", "share",  "joules",     "flop_per_joule", "joule_share"};

OrderedJson PlotPointJson(const PlotPoint& point) {
  const Judged& row = point.judged;
  const auto text = [](const std::string& value) {
    return value.empty() ? OrderedJson() : OrderedJson(value);
  };
  const auto number = [](const std::optional<double>& value) {
    return value && std::isfinite(*value) ? OrderedJson(Rounded(*value)) : OrderedJson();
  };
  OrderedJson array = {point.number > 0 ? OrderedJson(point.number) : OrderedJson(),
                       point.chip,
                       row.row,
                       text(row.format),
                       text(row.bound),
                       text(row.roof ? row.roof->format + " " + row.roof->level : ""),
                       number(row.time_s),
                       number(row.time_share),
                       number(row.flop_per_byte),
                       number(row.flop_per_s),
                       number(row.flop_per_byte ? std::nullopt : row.byte_per_s),
                       number(row.share),
                       number(row.joules),
                       number(row.flop_per_joule),
                       number(row.joule_share)};
  if (!row.remark.empty()) array.push_back(row.remark);
  return array;
}

}  // namespace

std::string PlotModelJson(const PlotModel& model) {
  OrderedJson object;
  PutText(object, "title", model.title);
  object["chips"] = model.chips;
  object["formats"] = model.formats;
  object["levels"] = model.levels;
  object["fixtures"] = model.fixtures;
  object["sources"] = model.sources;
  object["remarks"] = model.remarks;
  object["roofs"] = OrderedJson::array();
  for (const PlotRoof& roof : model.roofs) object["roofs"].push_back(PlotRoofJson(roof));
  object["fields"] = kFields;
  object["fields"].push_back("remark");
  object["points"] = OrderedJson::array();
  for (const PlotPoint& point : model.points) object["points"].push_back(PlotPointJson(point));
  object["unplaced"] = OrderedJson::array();
  for (const PlotPoint& point : model.unplaced) object["unplaced"].push_back(PlotPointJson(point));
  // A name from a file may be no UTF-8.
  return object.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

}  // namespace wattline::roofline
