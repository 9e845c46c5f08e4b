# Writes the sources' commit into a file, only where it changed: cmake -DSOURCE= -DFILE= -P.
set(commit "")
find_program(git git)
if(git)
  execute_process(COMMAND ${git} -C ${SOURCE} describe --always --dirty --abbrev=12 --exclude=*
    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE fault)
  if(fault)
    set(commit "")
  endif()
endif()
file(CONFIGURE OUTPUT ${FILE} @ONLY CONTENT
"namespace wattline::benchmarks {
extern const char* const kCommit;
const char* const kCommit = \"${commit}\";
}  // namespace wattline::benchmarks
")
