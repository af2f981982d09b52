# hotgraft_add_plugin(TARGET SOURCES FILE... [MANIFEST plugin.toml])
#
# A shared library TARGET.so that a host can replace while it runs. `hotgraft bind` is a step of the build: it runs again
# when the manifest, a schema or a header that it names or one that such a header includes with quotes changed. It writes
# <name>_descriptor.h and <name>_wrapper.hpp, to be included. A manifest or header that cannot be described ends the build
# with its words.
#
# The flags keep a library replaceable: nothing but the entry is exported, nothing is unique to the process, everything
# is bound at load, no stack becomes executable. Anything else is the caller's: warnings, optimisation, further targets.
function(hotgraft_add_plugin target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "MANIFEST" "SOURCES")
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES)
    message(FATAL_ERROR "hotgraft_add_plugin(${target}): wants SOURCES FILE... [MANIFEST plugin.toml]"
                        ", and was given besides: \"${arg_UNPARSED_ARGUMENTS}\"")
  endif()
  if(NOT arg_MANIFEST)
    set(arg_MANIFEST plugin.toml)
  endif()
  get_filename_component(manifest "${arg_MANIFEST}" ABSOLUTE)
  get_filename_component(folder "${manifest}" DIRECTORY)
  set(bound "${CMAKE_CURRENT_BINARY_DIR}/${target}.hotgraft")

  _hotgraft_add_bind("${target}" "${manifest}" "${bound}")
  add_library(${target} MODULE ${arg_SOURCES} "${bound}/bind.stamp")
  target_include_directories(${target} PRIVATE "${bound}" "${folder}")
  target_link_libraries(${target} PRIVATE hotgraft::headers)
  _hotgraft_set_flags(${target})

  # One file per plugin, for `hotgraft build`: the manifest, then the image.
  file(GENERATE OUTPUT "${CMAKE_BINARY_DIR}/hotgraft-plugins/$<CONFIG>/${target}"
       CONTENT "${manifest}\n$<TARGET_FILE:${target}>\n")
endfunction()

# The names of the files that bind writes hold the plugin's name, and ninja must know them before it begins: bind is
# asked for them now, and again whenever the manifest changes.
function(_hotgraft_add_bind target manifest bound)
  execute_process(COMMAND "${HOTGRAFT_EXECUTABLE}" bind "${manifest}" --output "${bound}" --list
                  RESULT_VARIABLE failure OUTPUT_VARIABLE generated ERROR_VARIABLE words OUTPUT_STRIP_TRAILING_WHITESPACE)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${manifest}")
  if(failure)
    message(FATAL_ERROR "hotgraft_add_plugin(${target}): ${words}")
  endif()
  string(REPLACE "\n" ";" generated "${generated}")
  # bind leaves a file alone whose text is as it was, so that nothing is compiled again for a comment in a header; the
  # stamp is what says that it ran.
  add_custom_command(
    OUTPUT "${bound}/bind.stamp"
    BYPRODUCTS ${generated}
    COMMAND "${HOTGRAFT_EXECUTABLE}" bind "${manifest}" --output "${bound}" --depfile "${bound}/bind.d" --depfile-target
            "${bound}/bind.stamp" --quiet
    COMMAND "${CMAKE_COMMAND}" -E touch "${bound}/bind.stamp"
    DEPENDS "${manifest}" "${HOTGRAFT_EXECUTABLE}"
    DEPFILE "${bound}/bind.d"
    COMMENT "hotgraft bind ${target}"
    VERBATIM)
endfunction()

function(_hotgraft_set_flags target)
  set_target_properties(
    ${target}
    PROPERTIES PREFIX "" SUFFIX ".so" NO_SONAME ON POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden
               CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
  if("C" IN_LIST languages)
    target_compile_features(${target} PRIVATE c_std_11)
  endif()
  if("CXX" IN_LIST languages)
    target_compile_features(${target} PRIVATE cxx_std_17)
  endif()
  # Symbols unique to the process are gcc's own idea; clang makes none and refuses the flag.
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fno-gnu-unique>)
  target_link_options(${target} PRIVATE LINKER:-z,now LINKER:-z,noexecstack)
endfunction()
