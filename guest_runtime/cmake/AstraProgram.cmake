# How programs for the astra ABI are compiled and linked; used by ASTRA's own build and by its CMake package.
set(ASTRA_PROGRAM_COMPILE_OPTIONS -ffreestanding -fno-exceptions -fno-rtti -fno-stack-protector -fPIE
    -ftls-model=local-exec -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections -O2
    -Wno-maybe-uninitialized)  # g++ 12 takes moved-from members of std::expected for uninitialised ones

# astra_add_program(NAME [PIE] [LINUX] SOURCES…): a static program branded for the astra ABI, in build/programs.
#   PIE     position independent: the kernel chooses where it lies
#   LINUX   with Linux's system call numbers and no brand: it runs on Linux, for comparison
function(astra_add_program name)
  cmake_parse_arguments(PROGRAM "PIE;LINUX" "" "" ${ARGN})
  set(runtime astra_runtime)
  if(PROGRAM_LINUX)
    set(runtime astra_runtime_linux)
  endif()
  if(TARGET AstraRuntime::${runtime})
    set(runtime AstraRuntime::${runtime})
  endif()
  set(position -static -no-pie)
  if(PROGRAM_PIE)
    set(position -static-pie)
  endif()
  add_executable(${name} ${PROGRAM_UNPARSED_ARGUMENTS})
  # libgcc: what the compiler has no instruction for. The start-up code is asked for by name: nothing else refers to it.
  target_link_libraries(${name} PRIVATE ${runtime} gcc)
  target_link_options(${name} PRIVATE -nostdlib ${position} -Wl,-u,_start -Wl,--build-id=none
                      -Wl,--gc-sections -Wl,-z,noexecstack -Wl,-z,norelro -Wl,-z,noseparate-code -Wl,-z,max-page-size=4096)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/programs CXX_STANDARD 23
                        CXX_STANDARD_REQUIRED ON)
endfunction()

# astra_add_image(NAME PROGRAMS TARGET… [FILES DIRECTORY]): build/NAME.tar, a root file system for `astra run --rootfs`:
# the programs, stripped, in /bin, what is in DIRECTORY in /, and empty /dev, /proc and /tmp.
function(astra_add_image name)
  cmake_parse_arguments(IMAGE "" "FILES" "PROGRAMS" ${ARGN})
  set(stage ${CMAKE_CURRENT_BINARY_DIR}/${name}.stage)
  set(commands COMMAND ${CMAKE_COMMAND} -E rm -rf ${stage}
               COMMAND ${CMAKE_COMMAND} -E make_directory ${stage}/bin ${stage}/dev ${stage}/proc ${stage}/tmp)
  set(inputs)
  if(IMAGE_FILES)
    get_filename_component(files ${IMAGE_FILES} ABSOLUTE)
    file(GLOB_RECURSE inputs CONFIGURE_DEPENDS ${files}/*)
    list(APPEND commands COMMAND ${CMAKE_COMMAND} -E copy_directory ${files} ${stage})
  endif()
  foreach(program ${IMAGE_PROGRAMS})
    list(APPEND commands COMMAND ${CMAKE_STRIP} -o ${stage}/bin/${program} $<TARGET_FILE:${program}>)
  endforeach()
  add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/${name}.tar ${commands}
                     COMMAND ${CMAKE_COMMAND} -E chdir ${stage} ${CMAKE_COMMAND} -E tar cf ${CMAKE_BINARY_DIR}/${name}.tar --format=pax .
                     DEPENDS ${IMAGE_PROGRAMS} ${inputs} VERBATIM)
  add_custom_target(${name} ALL DEPENDS ${CMAKE_BINARY_DIR}/${name}.tar)
endfunction()
