# Writes the CSV files of tools/reference/published/ into one source file as string literals.
# cmake -DOUT=file.cc -P published.cmake, from the project's root.
get_filename_component(root ${CMAKE_CURRENT_LIST_DIR}/../.. ABSOLUTE)
file(GLOB files ${root}/tools/reference/published/*.csv)
set(text "#include \"tools/reference/published.h\"\n\nnamespace wattline::tools {\n\n")
string(APPEND text "std::string_view PublishedText(std::string_view file) {\n")
foreach(file ${files})
  get_filename_component(name ${file} NAME)
  file(READ ${file} content)
  string(APPEND text "  if (file == \"${name}\") {\n    return R\"csv(${content})csv\";\n  }\n")
endforeach()
string(APPEND text "  return {};\n}\n\n}  // namespace wattline::tools\n")
file(WRITE ${OUT} "${text}")
