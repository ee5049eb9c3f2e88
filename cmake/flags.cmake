# flags - how our own C is compiled: warnings are errors, hardening always, sanitizers on request.
# SPDX-License-Identifier: MIT
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_C_FLAGS_RELEASE "-O2 -g -DNDEBUG")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g")

include(CheckPIESupported)
check_pie_supported(LANGUAGES C)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

add_compile_options(
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Werror
  -fstack-protector-strong -fstack-clash-protection -fno-common)
add_link_options(-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)

# The empty value is the same as a file's own #define, so both may stand.
add_compile_definitions(_GNU_SOURCE= PERIGEE_VERSION="${PROJECT_VERSION}"
  PERIGEE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")

if(PERIGEE_METER)
  add_compile_definitions(PERIGEE_METER=1)
endif()

if(PERIGEE_SCRIPT_SLOWDOWN)
  add_compile_definitions(PERIGEE_SCRIPT_SLOWDOWN=${PERIGEE_SCRIPT_SLOWDOWN})
endif()

if(PERIGEE_SANITIZE OR PERIGEE_FUZZ)
  set(sanitizers address,undefined)
  if(PERIGEE_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
    add_compile_definitions(PERIGEE_FUZZ=1)
  endif()
  add_compile_definitions(PERIGEE_SANITIZE=1)
  add_compile_options(-O1 -g -fno-omit-frame-pointer -fsanitize=${sanitizers}
    -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${sanitizers})
elseif(CMAKE_BUILD_TYPE STREQUAL Release)
  # Messages and debug information name files from the top folder, wherever it was built.
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)
endif()
