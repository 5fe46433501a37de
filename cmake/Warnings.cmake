# Every warning is an error, for both compilers.
add_compile_options(
  -Wall -Wextra -Werror -Wformat=2 -Wconversion -Wsign-conversion -Wshadow -Wvla -Wundef
  -Wcast-qual -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wpointer-arith
  -Wwrite-strings -Wswitch-enum -Wimplicit-fallthrough -Wnull-dereference -Wdouble-promotion
  -Wframe-larger-than=16384)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-Warith-conversion -Wduplicated-cond -Wduplicated-branches -Wlogical-op
    -Wjump-misses-init -Walloca -Wuse-after-free=3 -Wbidi-chars=any)
else()
  # Statement expressions (TAKE) and ##__VA_ARGS__ are part of our language.
  add_compile_options(-Wno-gnu-statement-expression -Wno-gnu-zero-variadic-macro-arguments)
endif()
if(SEALDROP_SANITIZE)
  # gcc's flow warnings give false positives in instrumented code.
  add_compile_options(-Wno-null-dereference -Wno-frame-larger-than)
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-maybe-uninitialized)
  endif()
endif()
add_compile_options(-include ${CMAKE_SOURCE_DIR}/src/base/banned.h)
add_compile_definitions(_GNU_SOURCE _FILE_OFFSET_BITS=64 SEALDROP_VERSION="${PROJECT_VERSION}")
