# Writes files into one source file as string literals: cmake -DOUT=file.cc -DFUNCTION=Name
# -DHEADER=tools/... -DFOLDER=... -DENDING=csv -P embed.cmake, where HEADER declares
# std::span<const EmbeddedFile> Name().
file(GLOB files ${FOLDER}/*.${ENDING})
set(text "#include \"${HEADER}\"\n\n#include <vector>\n\nnamespace wattline::tools {\n\n")
string(APPEND text "std::span<const EmbeddedFile> ${FUNCTION}() {\n")
string(APPEND text "  static const std::vector<EmbeddedFile> files = {\n")
foreach(file ${files})
  get_filename_component(name ${file} NAME_WLE)
  file(READ ${file} content)
  string(APPEND text "      {\"${name}\", R\"file(${content})file\"},\n")
endforeach()
string(APPEND text "  };\n  return files;\n}\n\n}  // namespace wattline::tools\n")
file(WRITE ${OUT} "${text}")
