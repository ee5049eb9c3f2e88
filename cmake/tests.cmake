# tests - unit tests per layer, the link check of the layers, fuzz targets and benches.
# SPDX-License-Identifier: MIT
get_property(layers GLOBAL PROPERTY perigee_layers)

set(test_environment CMOCKA_MESSAGE_OUTPUT=TAP
  ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:abort_on_error=0
  UBSAN_OPTIONS=print_stacktrace=1)

# A test that waits for what never comes: cmocka takes this signal for a failure of the case that
# runs ("Bad system call"), so the log names it. What it has started ends with it, and it is killed
# if it hangs on. The slowest takes half a minute on two cores, and five times that where they are
# shared.
set(test_runner timeout --signal=SYS --kill-after=10 270)

if(PERIGEE_TESTS)
  pkg_check_modules(cmocka QUIET IMPORTED_TARGET cmocka)
  if(NOT cmocka_FOUND)
    message(FATAL_ERROR "cmocka was not found: run scripts/deps, then configure again.")
  endif()
  foreach(name ${layers})
    get_property(third GLOBAL PROPERTY perigee_third_${name})
    file(GLOB tests CONFIGURE_DEPENDS "tests/unit/${name}/test_*.c")
    file(GLOB helpers CONFIGURE_DEPENDS "tests/unit/${name}/*.c")
    if(tests)
      list(REMOVE_ITEM helpers ${tests})
    endif()
    foreach(file ${tests})
      get_filename_component(noun "${file}" NAME_WE)
      string(REGEX REPLACE "^test_" "test_${name}_" target "${noun}")
      add_executable(${target} "${file}" ${helpers})
      target_include_directories(${target} PRIVATE "tests/unit/${name}")
      target_link_libraries(${target} PRIVATE ${name} ${third} PkgConfig::cmocka)
      set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY tests)
      string(REGEX REPLACE "^test_" "" noun "${noun}")
      add_test(NAME unit/${name}/${noun} COMMAND ${test_runner} $<TARGET_FILE:${target}>)
      set_tests_properties(unit/${name}/${noun} PROPERTIES TIMEOUT 290
        ENVIRONMENT "${test_environment}")
    endforeach()

    # The whole layer against the layers it may use: a call upwards fails to link, used or not.
    get_target_property(type ${name} TYPE)
    if(type STREQUAL STATIC_LIBRARY)
      set(main "${CMAKE_BINARY_DIR}/generated/link_check.c")
      file(WRITE "${main}" "int main(void)\n{\n    return 0;\n}\n")
      add_executable(link_${name} "${main}")
      set_target_properties(link_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY tests)
      target_link_libraries(link_${name} PRIVATE
        -Wl,--whole-archive $<TARGET_FILE:${name}> -Wl,--no-whole-archive ${name})
      add_dependencies(link_${name} ${name})
    endif()
  endforeach()

  # Sanitizers need what a release denies (ptrace, terabytes of addresses), so what a release denies
  # is tried without them.
  if(PERIGEE_SANITIZE)
    get_target_property(sources base SOURCES)
    add_executable(test_process_sandbox_release tests/unit/process/test_sandbox.c
      core/process/sandbox.c ${sources})
    target_compile_options(test_process_sandbox_release PRIVATE -fno-sanitize=all
      -UPERIGEE_SANITIZE)
    target_include_directories(test_process_sandbox_release PRIVATE core tests/unit/process)
    target_link_options(test_process_sandbox_release PRIVATE -fno-sanitize=all)
    target_link_libraries(test_process_sandbox_release PRIVATE third_jansson third_mbedtls
      third_argon2 PkgConfig::cmocka)
    set_target_properties(test_process_sandbox_release PROPERTIES RUNTIME_OUTPUT_DIRECTORY tests)
    add_test(NAME unit/process/sandbox_release COMMAND ${test_runner}
      $<TARGET_FILE:test_process_sandbox_release>)
    set_tests_properties(unit/process/sandbox_release PROPERTIES TIMEOUT 290
      ENVIRONMENT "${test_environment}")
  endif()

  if(EXISTS "${CMAKE_SOURCE_DIR}/tests/bench/limit.c")
    add_executable(limit tests/bench/limit.c)
    set_target_properties(limit PROPERTIES RUNTIME_OUTPUT_DIRECTORY tests)
    target_link_libraries(limit PRIVATE third_uv third_llhttp third_sqlite)
  endif()
  if(EXISTS "${CMAKE_SOURCE_DIR}/tests/bench/grow.c")
    add_executable(grow tests/bench/grow.c)
    set_target_properties(grow PROPERTIES RUNTIME_OUTPUT_DIRECTORY tests)
    target_link_libraries(grow PRIVATE third_sqlite)
  endif()
  foreach(bench hook_call sandbox)
    if(EXISTS "${CMAKE_SOURCE_DIR}/tests/bench/${bench}.c")
      add_executable(${bench} tests/bench/${bench}.c tests/unit/script/stage.c)
      set_target_properties(${bench} PROPERTIES RUNTIME_OUTPUT_DIRECTORY tests)
      target_include_directories(${bench} PRIVATE tests/unit/script)
      target_link_libraries(${bench} PRIVATE script third_lua PkgConfig::cmocka)
    endif()
  endforeach()
endif()

if(PERIGEE_FUZZ)
  file(GLOB targets CONFIGURE_DEPENDS "tests/fuzz/fuzz_*.c")
  foreach(file ${targets})
    get_filename_component(target "${file}" NAME_WE)
    add_executable(${target} "${file}")
    target_link_libraries(${target} PRIVATE cli third_lua) # the matcher is compared with Lua's own
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY fuzz)
  endforeach()
endif()
