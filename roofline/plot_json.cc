// The plot's model as JSON, for the page and for who draws it otherwise.
#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "roofline/plot_model.h"

namespace wattline::roofline {
namespace {

using nlohmann::ordered_json;

// Six digits are more than a measurement has; a page of 500 points is to stay small.
double Rounded(double value) { return std::strtod(fmt::format("{:.6g}", value).c_str(), nullptr); }

void Put(ordered_json& object, const char* key, const std::optional<double>& value) {
  if (value && std::isfinite(*value)) object[key] = Rounded(*value);
}
void Put(ordered_json& object, const char* key, const std::string& value) {
  if (!value.empty()) object[key] = value;
}
void Put(ordered_json& object, const char* key, const Interval& value) {
  Put(object, key, std::optional(value.value));
  if (std::isfinite(value.low) && std::isfinite(value.high)) {
    object[std::string(key) + "_interval"] = {Rounded(value.low), Rounded(value.high)};
  }
}

ordered_json RoofJson(const PlotRoof& drawn) {
  const Roof& roof = drawn.roof;
  ordered_json object = {{"chip", drawn.chip},
                         {"format", roof.key.format},
                         {"backend", roof.key.backend},
                         {"threads", roof.key.threads},
                         {"level", roof.key.level}};
  Put(object, "flop_per_s", roof.peak_flop_per_s);
  Put(object, "byte_per_s", roof.byte_per_s);
  Put(object, "ridge_flop_per_byte", roof.ridge_flop_per_byte);
  if (roof.sharpness) Put(object, "sharpness", *roof.sharpness);
  if (drawn.energy) {
    Put(object, "flop_j", drawn.energy->flop_j);
    Put(object, "byte_j", drawn.energy->byte_j);
    Put(object, "constant_w", drawn.energy->constant_w);
    Put(object, "balance_flop_per_byte", drawn.energy->balance_flop_per_byte);
  }
  return object;
}

ordered_json PointJson(const PlotPoint& point) {
  const Judged& row = point.judged;
  ordered_json object;
  if (point.number > 0) object["number"] = point.number;
  object["chip"] = point.chip;
  object["row"] = row.row;
  Put(object, "fixture", row.fixture);
  Put(object, "format", row.format);
  Put(object, "bound", row.bound);
  if (row.roof) {
    object["roof"] = row.roof->format + " " + row.roof->level;
    object["level"] = row.roof->level;
  }
  Put(object, "time_share", std::optional(row.time_share));
  Put(object, "time_s", std::optional(row.time_s));
  Put(object, "flop_per_byte", row.flop_per_byte);
  Put(object, "flop_per_s", row.flop_per_s);
  Put(object, "share", row.share);
  Put(object, "joules", row.joules);
  Put(object, "flop_per_joule", row.flop_per_joule);
  Put(object, "joule_share", row.joule_share);
  Put(object, "remark", row.remark);
  return object;
}

}  // namespace

std::string PlotModelJson(const PlotModel& model) {
  ordered_json object;
  Put(object, "title", model.title);
  object["chips"] = model.chips;
  object["formats"] = model.formats;
  object["levels"] = model.levels;
  object["fixtures"] = model.fixtures;
  object["sources"] = model.sources;
  object["remarks"] = model.remarks;
  object["roofs"] = ordered_json::array();
  for (const PlotRoof& roof : model.roofs) object["roofs"].push_back(RoofJson(roof));
  object["points"] = ordered_json::array();
  for (const PlotPoint& point : model.points) object["points"].push_back(PointJson(point));
  object["unplaced"] = ordered_json::array();
  for (const PlotPoint& point : model.unplaced) object["unplaced"].push_back(PointJson(point));
  // A name from a file may be no UTF-8.
  return object.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace wattline::roofline
