# layers - layer(<folder> MAY <layers below> THIRD <libraries>) makes the library of one folder.
# SPDX-License-Identifier: MIT
set_property(GLOBAL PROPERTY perigee_layers "")

# Pinyin readings come from the distribution's Unihan tables, which are packed differently from
# release to release.
function(pinyin_table out)
  set(${out} "" PARENT_SCOPE)
  set(script "${CMAKE_SOURCE_DIR}/scripts/pinyin.lua")
  if(NOT EXISTS "${script}")
    return()
  endif()
  find_program(LUA NAMES lua5.4 REQUIRED)
  file(GLOB readings /usr/share/unicode/Unihan_Readings.txt*)
  if(NOT readings)
    message(FATAL_ERROR "Unihan_Readings.txt was not found: run scripts/deps (unicode-data).")
  endif()
  list(GET readings 0 readings)
  set(unpack cat)
  if(readings MATCHES "\\.bz2$")
    set(unpack bzip2 -dc)
  elseif(readings MATCHES "\\.gz$")
    set(unpack gzip -dc)
  elseif(readings MATCHES "\\.xz$")
    set(unpack xz -dc)
  endif()
  set(text "${CMAKE_BINARY_DIR}/generated/Unihan_Readings.txt")
  set(table "${CMAKE_BINARY_DIR}/generated/pinyin_table.c")
  file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/generated")
  add_custom_command(OUTPUT "${table}"
    COMMAND ${unpack} "${readings}" > "${text}"
    COMMAND ${LUA} "${script}" "${text}" "${table}"
    DEPENDS "${script}" "${readings}" VERBATIM
    COMMENT "pinyin_table.c from Unihan")
  set(${out} "${table}" PARENT_SCOPE)
endfunction()

function(layer name)
  cmake_parse_arguments(arg "" "" "MAY;THIRD" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "core/${name}/*.c")
  set(generated "")
  if(name STREQUAL base)
    pinyin_table(generated)
  endif()
  if(arg_THIRD)
    list(TRANSFORM arg_THIRD PREPEND third_)
  endif()
  set_property(GLOBAL APPEND PROPERTY perigee_layers ${name})
  set_property(GLOBAL PROPERTY perigee_third_${name} "${arg_THIRD}")
  if(NOT sources)
    add_library(${name} INTERFACE) # a folder without code yet
    target_include_directories(${name} INTERFACE core)
    target_link_libraries(${name} INTERFACE ${arg_MAY})
    return()
  endif()
  add_library(${name} STATIC ${sources} ${generated})
  target_include_directories(${name} PUBLIC core)
  target_link_libraries(${name} PUBLIC ${arg_MAY} PRIVATE ${arg_THIRD})
endfunction()
