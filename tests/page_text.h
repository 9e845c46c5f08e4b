// A page as text: the data that it carries, and how often something stands in it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace wattline::roofline {

// What the script element of this id holds.
inline nlohmann::json PageData(const std::string& page, const std::string& id) {
  const std::string open = "<script type=\"application/json\" id=\"" + id + "\">";
  const size_t begin = page.find(open) + open.size();
  return nlohmann::json::parse(page.substr(begin, page.find("</script>", begin) - begin));
}

inline size_t Count(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace wattline::roofline
