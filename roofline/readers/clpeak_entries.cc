// clpeak writes the same measurements as JSON, CSV and XML (src/common/result_store.cpp of
// krrishnarraj/clpeak 2.1, format_version 2). Its committed reference runs are XML: that is scanned
// here, as far as its writer goes, and not parsed as XML in general.
#include "roofline/readers/clpeak_entries.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "roofline/json_fields.h"
#include "roofline/readers/csv.h"
#include "roofline/readers/foreign.h"

namespace wattline::roofline {
namespace {

ClpeakEntries FailedClpeak(const std::string& path, const std::string& fault) {
  ClpeakEntries failed;
  failed.error = fmt::format("{}: {}", path, fault);
  return failed;
}

std::string OldFormat(const std::string& version) {
  return fmt::format(
      "it is of clpeak's format_version '{}'; version 2 can be read: write it with "
      "clpeak 2",
      PlainText(version, 20));
}

// Text, a number or a fault that says where.
std::string SetValue(ClpeakEntry& entry, const std::string& status, const std::string& value,
                     const std::string& place) {
  if (!status.empty() && status != "ok") {
    if (entry.reason.empty()) entry.reason = status;
    return {};
  }
  const auto number = NumberOf(value);
  if (!number) return fmt::format("{}: value is '{}', not a number", place, PlainText(value, 40));
  entry.reason.clear();
  entry.value = *number;
  return {};
}

// "name" -> "value" of the attributes in a tag.
std::string Decoded(std::string_view text) {
  std::string decoded;
  while (!text.empty()) {
    const size_t at = text.find('&');
    decoded += text.substr(0, at);
    if (at == std::string_view::npos) break;
    text.remove_prefix(at);
    bool known = false;
    for (const auto& [entity, character] :
         {std::pair{"&amp;", '&'}, std::pair{"&lt;", '<'}, std::pair{"&gt;", '>'},
          std::pair{"&apos;", '\''}, std::pair{"&quot;", '"'}}) {
      const std::string_view mark = entity;
      if (known || text.substr(0, mark.size()) != mark) continue;
      decoded += character;
      text.remove_prefix(mark.size());
      known = true;
    }
    if (known) continue;
    decoded += '&';
    text.remove_prefix(1);
  }
  return decoded;
}

struct Tag {
  std::string name;  // "metric", "/run"
  std::map<std::string, std::string> attributes;
  bool is_closed = false;  // ends in "/>"
};

Tag TagOf(std::string_view text) {
  Tag tag;
  if (!text.empty() && text.back() == '/') {
    tag.is_closed = true;
    text.remove_suffix(1);
  }
  const size_t end = std::min(text.find_first_of(" \t\r\n"), text.size());
  tag.name = text.substr(0, end);
  text.remove_prefix(end);
  for (;;) {
    const size_t equals = text.find("=\"");
    if (equals == std::string_view::npos) return tag;
    const size_t close = text.find('"', equals + 2);
    if (close == std::string_view::npos) return tag;
    tag.attributes[std::string(Trimmed(text.substr(0, equals)))] =
        Decoded(text.substr(equals + 2, close - equals - 2));
    text.remove_prefix(close + 1);
  }
}

// End of the tag that begins at `open`: the next '>' outside of quotes.
size_t EndOfTag(std::string_view text, size_t open) {
  bool quoted = false;
  for (size_t at = open; at < text.size(); ++at) {
    if (text[at] == '"') quoted = !quoted;
    if (text[at] == '>' && !quoted) return at;
  }
  return std::string_view::npos;
}

class XmlScan {
 public:
  explicit XmlScan(std::string path) : path_(std::move(path)) {}
  ClpeakEntries Scan(std::string_view text);

 private:
  // `content` is what stands between the tag and the next one.
  std::string Take(const Tag& tag, std::string_view content);

  std::string path_;
  ClpeakEntries read_;
  ClpeakEntry now_;
};

std::string XmlScan::Take(const Tag& tag, std::string_view content) {
  const auto attribute = [&](const char* key) {
    const auto found = tag.attributes.find(key);
    return found == tag.attributes.end() ? std::string() : found->second;
  };
  if (tag.name == "clpeak") {
    if (attribute("format_version") != "2") return OldFormat(attribute("format_version"));
    read_.version = attribute("clpeak_version");
    read_.os = attribute("os");
  } else if (tag.name == "run") {
    now_ = {};
    now_.backend = attribute("backend");
    now_.platform = attribute("platform");
    now_.device = attribute("device");
    now_.driver = attribute("driver");
  } else if (tag.name == "prop" && attribute("name") == "Cores") {
    read_.cores[now_.device] = attribute("value");
  } else if (tag.name == "category") {
    now_.category = attribute("name");
  } else if (tag.name == "test") {
    now_.test = attribute("name");
    now_.unit = attribute("unit");
    now_.display = attribute("display");
  } else if (tag.name == "metric") {
    ClpeakEntry entry = now_;
    entry.metric = attribute("name");
    entry.reason = attribute("reason");
    const std::string value(Trimmed(content));
    const std::string fault =
        SetValue(entry, attribute("status"), value,
                 PlainText(now_.test, 60) + ", metric " + PlainText(entry.metric, 40));
    if (!fault.empty()) return fault;
    read_.entries.push_back(std::move(entry));
  }
  return {};
}

ClpeakEntries XmlScan::Scan(std::string_view text) {
  bool complete = false;
  size_t at = text.find('<');
  while (at != std::string_view::npos) {
    const size_t end = EndOfTag(text, at);
    if (end == std::string_view::npos) break;
    const Tag tag = TagOf(text.substr(at + 1, end - at - 1));
    const size_t next = text.find('<', end);
    const std::string_view content =
        tag.is_closed ? std::string_view() : text.substr(end + 1, next - end - 1);
    const std::string fault = Take(tag, content);
    if (!fault.empty()) return FailedClpeak(path_, fault);
    complete = complete || tag.name == "/clpeak";
    at = next;
  }
  if (!complete) return FailedClpeak(path_, "its XML does not end in </clpeak>: it is truncated");
  return std::move(read_);
}

}  // namespace

bool IsClpeakJson(const std::string& text) { return HasKey(text, "clpeak_version"); }

bool IsClpeakCsv(const std::string& text) {
  return text.rfind("format_version,backend,platform,device", 0) == 0;
}

bool IsClpeakXml(const std::string& text) { return text.find("<clpeak") != std::string::npos; }

ClpeakEntries ParseClpeakJson(const std::string& text, const std::string& path) {
  const ParsedJson parsed = ParseJson(text, path);
  if (!parsed.error.empty()) {
    ClpeakEntries failed;
    failed.error = parsed.error;
    return failed;
  }
  std::string fault;
  const Fields top(parsed.json, "the file", fault);
  ClpeakEntries read;
  const auto version = top.Number("format_version");
  if (fault.empty() && version.value_or(0) != 2) {
    return FailedClpeak(path, OldFormat(version ? NumberText(*version) : std::string()));
  }
  read.version = top.TextOr("clpeak_version");
  read.os = top.TextOr("os");
  if (const Json* devices = top.List("devices")) {
    for (size_t i = 0; i < devices->size(); ++i) {
      const std::string place = fmt::format("devices[{}]", i);
      const Fields device((*devices)[i], place, fault);
      const Json* props = device.List("props");
      for (size_t k = 0; props && k < props->size(); ++k) {
        const Fields prop((*props)[k], fmt::format("{}.props[{}]", place, k), fault);
        if (prop.TextOr("k") == "Cores") read.cores[device.TextOr("device")] = prop.TextOr("v");
      }
    }
  }
  const Json* entries = top.List("entries");
  for (size_t i = 0; entries && i < entries->size() && fault.empty(); ++i) {
    const std::string place = fmt::format("entries[{}]", i);
    const Fields fields((*entries)[i], place, fault);
    ClpeakEntry entry{fields.TextOr("backend"),
                      fields.TextOr("platform"),
                      fields.TextOr("device"),
                      fields.TextOr("driver"),
                      fields.TextOr("category"),
                      fields.TextOr("test"),
                      fields.TextOr("metric"),
                      fields.TextOr("unit"),
                      fields.TextOr("display"),
                      fields.TextOr("reason"),
                      0};
    const std::string status = fields.TextOr("status", "ok");
    if (status == "ok") {
      entry.value = fields.NumberOfNeed("value");
    } else if (entry.reason.empty()) {
      entry.reason = status;
    }
    read.entries.push_back(std::move(entry));
  }
  if (!fault.empty()) return FailedClpeak(path, fault);
  return read;
}

ClpeakEntries ParseClpeakCsv(const std::string& text, const std::string& path) {
  const CsvTable table = ParseCsv(text);
  if (!table.error.empty()) return FailedClpeak(path, table.error);
  ClpeakEntries read;
  for (size_t i = 0; i < table.rows.size(); ++i) {
    const auto field = [&](std::string_view key) {
      for (size_t k = 0; k < table.header.size(); ++k) {
        if (table.header[k] == key) return table.rows[i][k];
      }
      return std::string();
    };
    if (field("format_version") != "2") {
      return FailedClpeak(path, OldFormat(field("format_version")));
    }
    ClpeakEntry entry{field("backend"),
                      field("platform"),
                      field("device"),
                      field("driver"),
                      field("category"),
                      field("test"),
                      field("metric"),
                      field("unit"),
                      field("display"),
                      field("reason"),
                      0};
    const std::string fault =
        SetValue(entry, field("status"), field("value"), fmt::format("row {}", i + 1));
    if (!fault.empty()) return FailedClpeak(path, fault);
    read.entries.push_back(std::move(entry));
  }
  return read;
}

ClpeakEntries ParseClpeakXml(const std::string& text, const std::string& path) {
  return XmlScan(path).Scan(text);
}

}  // namespace wattline::roofline
