#include "roofline/fit_json.h"

#include <cmath>
#include <functional>

#include "roofline/json_fields.h"

namespace wattline::roofline {
namespace {

using OrderedJson = nlohmann::ordered_json;

void Put(OrderedJson& json, const char* key, double value) {
  if (std::isfinite(value)) json[key] = value;
}
void Put(OrderedJson& json, const char* key, const std::optional<double>& value) {
  if (value) Put(json, key, *value);
}
void Put(OrderedJson& json, const char* key, const std::string& text) {
  if (!text.empty()) json[key] = text;
}
void Put(OrderedJson& json, const char* key, const Interval& value) {
  OrderedJson interval = OrderedJson::object();
  Put(interval, "value", value.value);
  Put(interval, "low", value.low);
  Put(interval, "high", value.high);
  json[key] = std::move(interval);
}
void Put(OrderedJson& json, const char* key, const std::optional<Interval>& value) {
  if (value) Put(json, key, *value);
}

// A list of what `make` makes; an empty one is left out.
template <typename T, typename Make>
void PutList(OrderedJson& json, const char* key, const std::vector<T>& values, Make make) {
  if (values.empty()) return;
  json[key] = OrderedJson::array();
  for (const T& value : values) json[key].push_back(make(value));
}
void PutList(OrderedJson& json, const char* key, const std::vector<std::string>& texts) {
  PutList(json, key, texts, [](const std::string& text) { return OrderedJson(text); });
}

OrderedJson PointJson(const IntensityPoint& p) {
  OrderedJson json = OrderedJson::object();
  Put(json, "row", p.row);
  Put(json, "flop_per_byte", p.flop_per_byte);
  Put(json, "flop_per_s", p.flop_per_s);
  Put(json, "watts", p.watts);
  Put(json, "watts_err", p.watts_err);
  Put(json, "clock_hz", p.clock_hz);
  Put(json, "not_used", p.not_used);
  return json;
}

void PutKey(OrderedJson& json, const RoofKey& key) {
  Put(json, "format", key.format);
  Put(json, "backend", key.backend);
  json["threads"] = key.threads;
  Put(json, "level", key.level);
}

OrderedJson RoofJson(const Roof& r) {
  OrderedJson json = OrderedJson::object();
  PutKey(json, r.key);
  Put(json, "peak_flop_per_s", r.peak_flop_per_s);
  Put(json, "byte_per_s", r.byte_per_s);
  Put(json, "ridge_flop_per_byte", r.ridge_flop_per_byte);
  Put(json, "sharpness", r.sharpness);
  Put(json, "corner_share", r.corner_share);
  Put(json, "rms_error", r.rms_error);
  Put(json, "rms_error_straight", r.rms_error_straight);
  PutList(json, "points", r.points, PointJson);
  return json;
}

OrderedJson EnergyJson(const EnergyFit& e) {
  OrderedJson json = OrderedJson::object();
  PutKey(json, e.key);
  if (e.coefficients) {
    const EnergyCoefficients& c = *e.coefficients;
    Put(json, "flop_j", c.flop_j);
    Put(json, "byte_j", c.byte_j);
    Put(json, "constant_w", c.constant_w);
    Put(json, "balance_flop_per_byte", c.balance_flop_per_byte);
    Put(json, "max_error", c.max_error);
    Put(json, "condition", c.condition);
  }
  Put(json, "refused", e.refused);
  Put(json, "caution", e.caution);
  PutList(json, "dropped", e.dropped);
  PutList(json, "points", e.points, PointJson);
  return json;
}

OrderedJson LevelJson(const LevelFit& l) {
  OrderedJson json = OrderedJson::object();
  Put(json, "backend", l.backend);
  json["threads"] = l.threads;
  Put(json, "name", l.name);
  Put(json, "from_byte", l.from_byte);
  Put(json, "to_byte", l.to_byte);
  Put(json, "byte_per_s", l.byte_per_s);
  Put(json, "unresolved", l.unresolved);
  return json;
}

OrderedJson ModelRowJson(const ModelRow& m) {
  OrderedJson json = OrderedJson::object();
  Put(json, "row", m.row);
  Put(json, "model", m.model);
  Put(json, "format", m.format);
  Put(json, "backend", m.backend);
  json["threads"] = m.threads;
  json["prefill"] = m.prefill;
  json["tokens_each"] = m.tokens_each;
  json["batch"] = m.batch;
  Put(json, "tok_per_s", m.tok_per_s);
  Put(json, "flop_per_token", m.flop_per_token);
  Put(json, "byte_per_token", m.byte_per_token);
  Put(json, "weight_byte", m.weight_byte);
  Put(json, "joules_per_token", m.joules_per_token);
  if (m.unsteady) json["unsteady"] = true;
  return json;
}

OrderedJson MachineJson(const MachineFit& m) {
  OrderedJson json = OrderedJson::object();
  Put(json, "chip", m.chip);
  Put(json, "chip_slug", m.chip_slug);
  Put(json, "memory_byte", m.memory_byte);
  Put(json, "idle_watts", m.idle_watts);
  PutList(json, "meters", m.meters);
  PutList(json, "sources", m.sources);
  PutList(json, "levels", m.levels, LevelJson);
  PutList(json, "roofs", m.roofs, RoofJson);
  PutList(json, "energies", m.energies, EnergyJson);
  PutList(json, "model_rows", m.model_rows, ModelRowJson);
  PutList(json, "remarks", m.remarks);
  return json;
}

// Reading. The first fault ends the file; what is read after it is thrown away.

Interval ReadInterval(const Json& json, const std::string& place, std::string& fault) {
  const Fields f(json, place, fault);
  return {f.NumberOfNeed("value"), f.NumberOfNeed("low"), f.NumberOfNeed("high")};
}
std::optional<Interval> IntervalOf(const Fields& f, const char* key, std::string& fault) {
  const Json* json = f.Object(key);
  if (!json) return std::nullopt;
  return ReadInterval(*json, f.PlaceOf(key), fault);
}
Interval IntervalOfNeed(const Fields& f, const char* key, std::string& fault) {
  const std::optional<Interval> interval = IntervalOf(f, key, fault);
  if (!interval) f.Fault(fmt::format("{} is missing", f.PlaceOf(key)));
  return interval.value_or(Interval{});
}
int64_t CountOr(const Fields& f, const char* key, double otherwise) {
  return static_cast<int64_t>(f.Number(key).value_or(otherwise));
}

template <typename T>
std::vector<T> ReadList(const Fields& f, const char* key,
                        const std::function<T(const Json&, const std::string&)>& read) {
  std::vector<T> values;
  const Json* list = f.List(key);
  for (size_t i = 0; list && i < list->size(); ++i) {
    values.push_back(read((*list)[i], fmt::format("{}[{}]", f.PlaceOf(key), i)));
  }
  return values;
}

class FitReader {
 public:
  explicit FitReader(std::string& fault) : fault_(fault) {}

  MachineFit Machine(const Json& json, const std::string& place) {
    const Fields f(json, place, fault_);
    MachineFit m;
    m.chip = f.TextOr("chip");
    m.chip_slug = f.TextOr("chip_slug");
    m.memory_byte = f.Number("memory_byte");
    m.idle_watts = f.Number("idle_watts");
    m.meters = Texts(f, "meters");
    m.sources = Texts(f, "sources");
    m.levels = List<LevelFit>(f, "levels", &FitReader::Level);
    m.roofs = List<Roof>(f, "roofs", &FitReader::ReadRoof);
    m.energies = List<EnergyFit>(f, "energies", &FitReader::Energy);
    m.model_rows = List<ModelRow>(f, "model_rows", &FitReader::Model);
    m.remarks = Texts(f, "remarks");
    return m;
  }

 private:
  template <typename T>
  std::vector<T> List(const Fields& f, const char* key,
                      T (FitReader::*read)(const Json&, const std::string&)) {
    return ReadList<T>(f, key, [this, read](const Json& json, const std::string& place) {
      return (this->*read)(json, place);
    });
  }
  std::vector<std::string> Texts(const Fields& f, const char* key) {
    return ReadList<std::string>(f, key, [this](const Json& json, const std::string& place) {
      if (json.is_string()) return json.get<std::string>();
      if (fault_.empty()) fault_ = place + " is not a text";
      return std::string();
    });
  }

  RoofKey Key(const Fields& f) {
    return {f.TextOfNeed("format"), f.TextOfNeed("backend"),
            static_cast<int>(CountOr(f, "threads", 1)), f.TextOfNeed("level")};
  }
  IntensityPoint Point(const Json& json, const std::string& place) {
    const Fields f(json, place, fault_);
    return {f.TextOr("row"),     f.NumberOfNeed("flop_per_byte"), f.NumberOfNeed("flop_per_s"),
            f.Number("watts"),   f.Number("watts_err"),           f.Number("clock_hz"),
            f.TextOr("not_used")};
  }
  Roof ReadRoof(const Json& json, const std::string& place) {
    const Fields f(json, place, fault_);
    return {Key(f),
            IntervalOfNeed(f, "peak_flop_per_s", fault_),
            IntervalOfNeed(f, "byte_per_s", fault_),
            IntervalOfNeed(f, "ridge_flop_per_byte", fault_),
            IntervalOf(f, "sharpness", fault_),
            f.Number("corner_share"),
            f.Number("rms_error"),
            f.Number("rms_error_straight"),
            List<IntensityPoint>(f, "points", &FitReader::Point)};
  }
  EnergyFit Energy(const Json& json, const std::string& place) {
    const Fields f(json, place, fault_);
    EnergyFit e;
    e.key = Key(f);
    if (f.Object("flop_j")) {
      e.coefficients = EnergyCoefficients{IntervalOfNeed(f, "flop_j", fault_),
                                          IntervalOfNeed(f, "byte_j", fault_),
                                          IntervalOfNeed(f, "constant_w", fault_),
                                          IntervalOfNeed(f, "balance_flop_per_byte", fault_),
                                          f.NumberOfNeed("max_error"),
                                          f.NumberOfNeed("condition")};
    }
    e.refused = f.TextOr("refused");
    e.caution = f.TextOr("caution");
    e.dropped = Texts(f, "dropped");
    e.points = List<IntensityPoint>(f, "points", &FitReader::Point);
    return e;
  }
  LevelFit Level(const Json& json, const std::string& place) {
    const Fields f(json, place, fault_);
    return {f.TextOr("backend"),       static_cast<int>(CountOr(f, "threads", 1)),
            f.TextOfNeed("name"),      f.NumberOfNeed("from_byte"),
            f.NumberOfNeed("to_byte"), f.Number("byte_per_s"),
            f.TextOr("unresolved")};
  }
  ModelRow Model(const Json& json, const std::string& place) {
    const Fields f(json, place, fault_);
    ModelRow m;
    m.row = f.TextOr("row");
    m.model = f.TextOfNeed("model");
    m.format = f.TextOfNeed("format");
    m.backend = f.TextOfNeed("backend");
    m.threads = static_cast<int>(CountOr(f, "threads", 1));
    m.prefill = f.Flag("prefill").value_or(false);
    m.tokens_each = CountOr(f, "tokens_each", 0);
    m.batch = CountOr(f, "batch", 1);
    m.tok_per_s = f.NumberOfNeed("tok_per_s");
    m.flop_per_token = f.NumberOfNeed("flop_per_token");
    m.byte_per_token = f.NumberOfNeed("byte_per_token");
    m.weight_byte = f.Number("weight_byte");
    m.joules_per_token = f.Number("joules_per_token");
    m.unsteady = f.Flag("unsteady").value_or(false);
    return m;
  }

  std::string& fault_;
};

}  // namespace

std::string FitJson(const Fit& fit) {
  OrderedJson json = {{"wattline_fit", kFitSchemaVersion}};
  json["machines"] = OrderedJson::array();
  for (const MachineFit& machine : fit.machines) json["machines"].push_back(MachineJson(machine));
  return json.dump(2, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
}

ReadFitResult ParseFit(const std::string& text, const std::string& path) {
  const ParsedJson parsed = ParseJson(text, path);
  if (!parsed.error.empty()) return {std::nullopt, parsed.error};
  if (!parsed.json.is_object() || !parsed.json.contains("wattline_fit")) {
    return {std::nullopt,
            fmt::format("{} is no fit; make one with: roofline fit RESULT.json -o FIT.json", path)};
  }
  std::string fault;
  const Fields top(parsed.json, "the file", fault);
  const double version = top.NumberOfNeed("wattline_fit");
  if (fault.empty() && version != kFitSchemaVersion) {
    return {std::nullopt,
            fmt::format("{} is a fit of version {}, this program reads version {}; fit "
                        "the results again",
                        path, version, kFitSchemaVersion)};
  }
  Fit fit;
  FitReader reader(fault);
  fit.machines = ReadList<MachineFit>(top, "machines", [&](const Json& json, const std::string& p) {
    return reader.Machine(json, p);
  });
  if (!fault.empty()) return {std::nullopt, fmt::format("{}: {}", path, fault)};
  return {std::move(fit), {}};
}

ReadFitResult ReadFit(const std::string& path) {
  const LoadedText loaded = LoadText(path);
  if (!loaded.error.empty()) return {std::nullopt, loaded.error};
  return ParseFit(loaded.text, path);
}

bool LooksLikeFit(const std::string& text) {
  return text.substr(0, 200).find("\"wattline_fit\"") != std::string::npos;
}

}  // namespace wattline::roofline
