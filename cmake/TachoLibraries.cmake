# The libraries that tacho borrows, each behind an interface target. Static archives are preferred,
# so that the binary needs little where it is copied to; Debian has none of fmt and simdjson.
find_package(Threads REQUIRED)

function(tacho_library target archive_name)
  find_library(TACHO_${target}_ARCHIVE NAMES lib${archive_name}.a ${archive_name})
  if(NOT TACHO_${target}_ARCHIVE)
    message(FATAL_ERROR
            "lib${archive_name} is missing; scripts/setup.sh installs what the build needs")
  endif()
  add_library(${target} INTERFACE)
  target_link_libraries(${target} INTERFACE ${TACHO_${target}_ARCHIVE})
endfunction()

tacho_library(tacho_fmt fmt)
tacho_library(tacho_simdjson simdjson)
tacho_library(tacho_nghttp2 nghttp2)
tacho_library(tacho_openssl ssl)
find_library(TACHO_CRYPTO_ARCHIVE NAMES libcrypto.a crypto)
target_link_libraries(tacho_openssl INTERFACE ${TACHO_CRYPTO_ARCHIVE} Threads::Threads
                      ${CMAKE_DL_LIBS})
tacho_library(tacho_ncurses ncursesw)
find_library(TACHO_TINFO_ARCHIVE NAMES libtinfo.a tinfo)
if(TACHO_TINFO_ARCHIVE)  # Some systems have it in ncursesw itself.
  target_link_libraries(tacho_ncurses INTERFACE ${TACHO_TINFO_ARCHIVE} ${CMAKE_DL_LIBS})
endif()

find_path(TACHO_JSON_INCLUDE nlohmann/json.hpp)
if(NOT TACHO_JSON_INCLUDE)
  message(FATAL_ERROR "nlohmann-json is missing; scripts/setup.sh installs what the build needs")
endif()
add_library(tacho_json INTERFACE)
