#include "tools/program.h"

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <new>

namespace wattline::tools {

std::string Plain(const std::string& text, size_t most) {
  std::string plain;
  for (size_t i = 0; i < text.size() && plain.size() < most; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool is_c1 =
        byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (is_c1) ++i;
    plain += byte < 0x20 || byte == 0x7F || is_c1 ? '?' : text[i];
  }
  if (text.size() <= most) return plain;
  while (!plain.empty() && (plain.back() & 0xC0) == 0x80) plain.pop_back();
  if (!plain.empty() && (plain.back() & 0x80) != 0) plain.pop_back();
  return plain + "...";
}

int FailAs(std::string_view program, const std::string& sentence, int code) {
  fmt::print(stderr, "{}: {}\n", program, Plain(sentence, 4000));
  return code;
}

int Guarded(std::string_view program, int (*run)(int, char**), int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::bad_alloc&) {
    return FailAs(program, "this machine has too little memory for these files", kFailed);
  } catch (const std::exception& error) {
    return FailAs(program, error.what(), kFailed);
  }
}

}  // namespace wattline::tools
