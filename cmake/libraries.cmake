# libraries - finds each third-party library and refuses what is below its floor.
# SPDX-License-Identifier: MIT
#
# Each becomes an imported target third_<name>. Only the folder that may include its header links
# it (see CMakeLists.txt); PRIVATE linking keeps the headers out of every other folder.
set(PERIGEE_DEPS "${CMAKE_SOURCE_DIR}/build/deps" CACHE PATH "what scripts/deps built")
find_package(PkgConfig REQUIRED)

if(PERIGEE_SANITIZE OR PERIGEE_FUZZ)
  set(checked _debug) # these variants check how we call them
endif()

function(floor_check name found floor)
  if(NOT found)
    message(FATAL_ERROR "${name} was not found: run scripts/deps, then configure again.")
  elseif(found VERSION_LESS floor)
    message(FATAL_ERROR
      "${name} ${found} is below ${floor}, the oldest version that is safe to use: "
      "run scripts/deps, then configure again.")
  endif()
  message(STATUS "${name} ${found}")
endfunction()

# Reads the first group of `pattern` in a header, or nothing.
function(header_version out file pattern)
  set(found "")
  if(EXISTS "${file}")
    file(READ "${file}" text)
    if(text MATCHES "${pattern}")
      set(found "${CMAKE_MATCH_1}")
    endif()
  endif()
  set(${out} "${found}" PARENT_SCOPE)
endfunction()

function(third_archive name library include)
  find_library(archive_${name} NAMES ${library} PATHS "${PERIGEE_DEPS}/lib" ${ARGN}
    NO_DEFAULT_PATH NO_CACHE)
  if(NOT archive_${name})
    message(FATAL_ERROR "${name}'s library was not found: run scripts/deps, then configure again.")
  endif()
  add_library(third_${name} UNKNOWN IMPORTED GLOBAL)
  set_target_properties(third_${name} PROPERTIES IMPORTED_LOCATION "${archive_${name}}"
    INTERFACE_INCLUDE_DIRECTORIES "${include}")
endfunction()

# Built by scripts/deps with options of our own.
header_version(found "${PERIGEE_DEPS}/include/mbedtls/mbedtls/build_info.h"
  "MBEDTLS_VERSION_STRING +\"([0-9.]+)\"")
floor_check(mbedTLS "${found}" 3.6.0)
third_archive(mbedtls libmbedtls.a "${PERIGEE_DEPS}/include/mbedtls")

header_version(found "${PERIGEE_DEPS}/include/sqlite/sqlite3.h" "SQLITE_VERSION +\"([0-9.]+)\"")
floor_check(SQLite "${found}" 3.51.3)
third_archive(sqlite libsqlite3${checked}.a "${PERIGEE_DEPS}/include/sqlite")
target_link_libraries(third_sqlite INTERFACE m)

header_version(release "${PERIGEE_DEPS}/include/lua/lua.h" "LUA_VERSION_RELEASE[ \t]+\"([0-9]+)\"")
header_version(minor "${PERIGEE_DEPS}/include/lua/lua.h" "LUA_VERSION_MINOR[ \t]+\"([0-9]+)\"")
set(found "")
if(release)
  set(found 5.${minor}.${release})
endif()
floor_check(Lua "${found}" 5.4.7)
third_archive(lua liblua${checked}.a "${PERIGEE_DEPS}/include/lua")
target_link_libraries(third_lua INTERFACE m)

# Ours where the distribution's is too old, else the distribution's.
set(include "${PERIGEE_DEPS}/include/llhttp")
if(NOT EXISTS "${include}/llhttp.h")
  set(include /usr/include)
endif()
header_version(major "${include}/llhttp.h" "LLHTTP_VERSION_MAJOR ([0-9]+)")
header_version(minor "${include}/llhttp.h" "LLHTTP_VERSION_MINOR ([0-9]+)")
set(found "")
if(major)
  set(found ${major}.${minor})
endif()
floor_check(llhttp "${found}" 9.2)
third_archive(llhttp libllhttp.a "${include}" "/usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}" /usr/lib)

# The distribution's own.
function(third_system name module floor)
  pkg_check_modules(${name} QUIET ${module})
  floor_check(${module} "${${name}_VERSION}" ${floor})
  add_library(third_${name} INTERFACE IMPORTED GLOBAL)
  target_include_directories(third_${name} INTERFACE ${${name}_INCLUDE_DIRS})
  if(NOT ARGN STREQUAL HEADERS)
    target_link_libraries(third_${name} INTERFACE ${${name}_LINK_LIBRARIES})
  endif()
endfunction()

third_system(uv libuv 1.44.2)
third_system(jansson jansson 2.14)
third_system(argon2 libargon2 0)
third_system(expat expat 2.4)
third_system(zip libzip 1.7)
third_system(xlsxwriter xlsxwriter 1.0)
third_system(gmime gmime-3.0 3.2.7 HEADERS) # likewise loaded with dlopen
third_system(curl libcurl 7.88 HEADERS) # loaded with dlopen by runners alone, never linked
target_link_libraries(third_curl INTERFACE ${CMAKE_DL_LIBS})
