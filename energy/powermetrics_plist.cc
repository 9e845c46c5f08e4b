#include "energy/powermetrics_plist.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <pugixml.hpp>

namespace wattline::energy {
namespace {

// No sample is longer, nor does a Mac draw more: beyond these the document is garbage.
constexpr uint64_t kLongest_ns = 24ull * 3600 * 1'000'000'000;
constexpr double kHighestMac_w = 10'000;

constexpr std::array<std::string_view, 2> kBegins = {"<?xml", "<plist"};
constexpr std::string_view kEnd = "</plist>";

std::string Quoted(std::string_view text) {
  constexpr size_t kShown_byte = 40;
  return fmt::format("'{}{}'", text.substr(0, kShown_byte), text.size() > kShown_byte ? "..." : "");
}

// The value of `key` in a <dict>: the next element after <key>. Text between them is not looked at.
pugi::xml_node FindValue(const pugi::xml_node& dict, std::string_view key) {
  for (pugi::xml_node node = dict.child("key"); node; node = node.next_sibling("key")) {
    if (node.child_value() != key) continue;
    pugi::xml_node value = node.next_sibling();
    while (value && value.type() != pugi::node_element) value = value.next_sibling();
    return value;
  }
  return {};
}

void AppendText(std::string_view text, std::string& kept) {
  for (const char c : text) {
    if (kept.size() == PlistSplitter::kKeptText_byte) return;
    if (c != '\0') kept += c;
  }
}

// Collects the first fault.
class Reader {
 public:
  std::optional<uint64_t> Count(const pugi::xml_node& dict, const char* key) {
    const pugi::xml_node value = FindValue(dict, key);
    if (!value) return std::nullopt;
    const std::string_view text = value.child_value();
    uint64_t count = 0;
    const auto [stop, fault] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (std::string_view(value.name()) == "integer" && fault == std::errc() &&
        stop == text.data() + text.size() && !value.first_child().next_sibling()) {
      return count;
    }
    Fail(fmt::format("{} is the {} {}, not a count that fits 64 bits", key, value.name(),
                     Quoted(text)));
    return std::nullopt;
  }

  std::optional<std::string> Text(const pugi::xml_node& dict, const char* key) {
    const pugi::xml_node value = FindValue(dict, key);
    if (!value) return std::nullopt;
    if (std::string_view(value.name()) != "string") {
      Fail(fmt::format("{} is the {} {}, not a string", key, value.name(),
                       Quoted(value.child_value())));
      return std::nullopt;
    }
    const std::string_view text = value.child_value();
    if (text.empty()) return std::nullopt;
    return std::string(text);
  }

  pugi::xml_node Dict(const pugi::xml_node& dict, const char* key) {
    const pugi::xml_node value = FindValue(dict, key);
    if (value && std::string_view(value.name()) != "dict") {
      Fail(fmt::format("{} is the {} {}, not a dict", key, value.name(),
                       Quoted(value.child_value())));
    }
    return value;
  }

  void Fail(std::string fault) {
    if (fault_.empty()) fault_ = std::move(fault);
  }
  const std::string& fault() const { return fault_; }

 private:
  std::string fault_;
};

void CheckPower(Reader& reader, const char* key, std::optional<uint64_t> energy_mj,
                uint64_t elapsed_ns) {
  if (!energy_mj) return;
  const double watts = static_cast<double>(*energy_mj) * 1e6 / static_cast<double>(elapsed_ns);
  if (watts <= kHighestMac_w) return;
  reader.Fail(
      fmt::format("{} is {} mJ in {} ns, an absurd {:.3g} W", key, *energy_mj, elapsed_ns, watts));
}

}  // namespace

ParsedSample ParsePowermetrics(std::string_view document) {
  const auto refuse = [](std::string_view why) {
    return ParsedSample{{},
                        fmt::format("powermetrics printed a sample that cannot be used: {}", why)};
  };
  pugi::xml_document xml;
  const pugi::xml_parse_result parsed = xml.load_buffer(
      document.data(), document.size(),
      pugi::parse_escapes | pugi::parse_doctype | pugi::parse_cdata, pugi::encoding_utf8);
  if (!parsed) {
    return refuse(fmt::format("no whole XML, {} at byte {} of {}", parsed.description(),
                              parsed.offset, document.size()));
  }
  for (const pugi::xml_node& node : xml) {
    // pugixml expands no entities that a document declares; the document is refused all the same.
    if (node.type() == pugi::node_doctype &&
        std::string_view(node.value()).find('[') != std::string_view::npos) {
      return refuse("it declares entities");
    }
  }
  const pugi::xml_node top = xml.child("plist").child("dict");
  if (!top) return refuse("it has no <plist><dict>");

  Reader reader;
  PowermetricsSample sample;
  const std::optional<uint64_t> elapsed_ns = reader.Count(top, "elapsed_ns");
  if (reader.fault().empty() && !elapsed_ns) reader.Fail("it has no elapsed_ns");
  sample.elapsed_ns = elapsed_ns.value_or(0);
  if (sample.elapsed_ns == 0 || sample.elapsed_ns > kLongest_ns) {
    reader.Fail(fmt::format("elapsed_ns is {}", sample.elapsed_ns));
  }
  if (std::string_view(FindValue(top, "is_delta").name()) == "false") {
    reader.Fail("is_delta is false, so its energies are not those of elapsed_ns");
  }
  const pugi::xml_node processor = reader.Dict(top, "processor");
  const pugi::xml_node gpu = reader.Dict(top, "gpu");
  sample.cpu_mj = reader.Count(processor, "cpu_energy");
  sample.gpu_mj = reader.Count(processor, "gpu_energy");
  // The sampler gpu_power has it here. With cpu_power it stands in both.
  if (!sample.gpu_mj) sample.gpu_mj = reader.Count(gpu, "gpu_energy");
  sample.ane_mj = reader.Count(processor, "ane_energy");
  sample.dram_mj = reader.Count(processor, "dram_energy");
  sample.package_mj = reader.Count(processor, "package_energy");
  sample.thermal_pressure = reader.Text(top, "thermal_pressure");
  sample.hw_model = reader.Text(top, "hw_model");
  sample.kern_osversion = reader.Text(top, "kern_osversion");
  if (reader.fault().empty()) {
    CheckPower(reader, "cpu_energy", sample.cpu_mj, sample.elapsed_ns);
    CheckPower(reader, "gpu_energy", sample.gpu_mj, sample.elapsed_ns);
    CheckPower(reader, "ane_energy", sample.ane_mj, sample.elapsed_ns);
    CheckPower(reader, "dram_energy", sample.dram_mj, sample.elapsed_ns);
    CheckPower(reader, "package_energy", sample.package_mj, sample.elapsed_ns);
  }
  if (!reader.fault().empty()) return refuse(reader.fault());
  return {std::move(sample), ""};
}

std::string PlistSplitter::other_text() const {
  std::string text = other_text_;
  // What may still become a document's beginning is none so far.
  if (!inside_) AppendText(pending_, text);
  return text;
}

bool PlistSplitter::Feed(std::string_view bytes, std::vector<std::string>& documents) {
  if (overflown_) return false;
  pending_ += bytes;
  while (true) {
    if (!inside_) {
      size_t begin = std::string::npos;
      for (const std::string_view mark : kBegins) begin = std::min(begin, pending_.find(mark));
      // The last bytes may be the first ones of a beginning.
      const size_t passed = begin != std::string::npos
                                ? begin
                                : pending_.size() - std::min(pending_.size(), kBegins[0].size());
      AppendText(std::string_view(pending_).substr(0, passed), other_text_);
      pending_.erase(0, passed);
      if (begin == std::string::npos) return true;
      inside_ = true;
      searched_byte_ = 0;
    }
    const size_t end = pending_.find(kEnd, searched_byte_);
    const size_t nul = pending_.find('\0', searched_byte_);
    if (end == std::string::npos && nul == std::string::npos) {
      searched_byte_ = pending_.size() - std::min(pending_.size(), kEnd.size() - 1);
      overflown_ = pending_.size() > longest_byte_;
      return !overflown_;
    }
    const size_t length = end < nul ? end + kEnd.size() : nul;
    overflown_ = length > longest_byte_;
    if (overflown_) return false;
    documents.push_back(pending_.substr(0, length));
    pending_.erase(0, length);
    inside_ = false;
  }
}

}  // namespace wattline::energy
