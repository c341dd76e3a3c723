# find_package(AstraRuntime): the runtime as an installed package. Gives astra_add_program() and astra_add_image().
include("${CMAKE_CURRENT_LIST_DIR}/AstraProgram.cmake")
get_filename_component(ASTRA_RUNTIME_PREFIX "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
foreach(NAME astra_runtime astra_runtime_linux)
  if(NOT TARGET AstraRuntime::${NAME})
    add_library(AstraRuntime::${NAME} STATIC IMPORTED)
    set_target_properties(AstraRuntime::${NAME} PROPERTIES
      IMPORTED_LOCATION "${ASTRA_RUNTIME_PREFIX}/lib/lib${NAME}.a"
      INTERFACE_INCLUDE_DIRECTORIES "${ASTRA_RUNTIME_PREFIX}/include/astra-runtime"
      INTERFACE_COMPILE_OPTIONS "${ASTRA_PROGRAM_COMPILE_OPTIONS}")
  endif()
endforeach()
set_target_properties(AstraRuntime::astra_runtime_linux PROPERTIES INTERFACE_COMPILE_DEFINITIONS ASTRA_RUNTIME_LINUX)
