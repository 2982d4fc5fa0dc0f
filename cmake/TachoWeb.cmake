# The report page: web/ is copied into the build folder, npm fetches what the lock file names, and
# esbuild makes one HTML file of it. Nothing is written into the source tree.
#
# TACHO_REPORT_PAGE is the finished page, which the binary carries. To build on a machine without
# Node.js, set it to a page that was built elsewhere: -DTACHO_REPORT_PAGE=/path/to/report.html.
set(TACHO_REPORT_PAGE "" CACHE FILEPATH "A finished report page; empty: build it from web/")
if(TACHO_REPORT_PAGE)
  if(NOT EXISTS ${TACHO_REPORT_PAGE})
    message(FATAL_ERROR "TACHO_REPORT_PAGE names ${TACHO_REPORT_PAGE}, which does not exist")
  endif()
  return()
endif()

find_program(TACHO_NODE node)
find_program(TACHO_NPM npm)
if(NOT TACHO_NODE OR NOT TACHO_NPM)
  message(FATAL_ERROR "node or npm is missing; scripts/setup.sh installs what the build needs")
endif()

set(web_source ${CMAKE_SOURCE_DIR}/web)
set(web_build ${CMAKE_BINARY_DIR}/web)
set(TACHO_REPORT_PAGE ${web_build}/dist/report.html)
set(web_packages_stamp ${web_build}/packages.stamp)
file(GLOB_RECURSE web_files CONFIGURE_DEPENDS ${web_source}/src/*)

# The packages are fetched again only when the lock file changes: this is the one step that needs a
# registry. No package of ours needs its install script, so none is run.
add_custom_command(
  OUTPUT ${web_packages_stamp}
  COMMAND ${CMAKE_COMMAND} -E copy ${web_source}/package.json ${web_source}/package-lock.json
          ${web_build}
  COMMAND ${TACHO_NPM} ci --ignore-scripts --no-audit --no-fund --loglevel=error
  COMMAND ${CMAKE_COMMAND} -E touch ${web_packages_stamp}
  DEPENDS ${web_source}/package-lock.json
  WORKING_DIRECTORY ${web_build}
  COMMENT "Fetching the report page's packages"
  VERBATIM)

add_custom_command(
  OUTPUT ${TACHO_REPORT_PAGE}
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${web_build}/src
  COMMAND ${CMAKE_COMMAND} -E copy_directory ${web_source}/src ${web_build}/src
  COMMAND ${CMAKE_COMMAND} -E copy ${web_source}/package.json ${web_source}/tsconfig.json
          ${web_source}/build.mjs ${web_build}
  COMMAND ${TACHO_NPM} run --silent build
  DEPENDS ${web_packages_stamp} ${web_files} ${web_source}/package.json ${web_source}/tsconfig.json
          ${web_source}/build.mjs
  WORKING_DIRECTORY ${web_build}
  COMMENT "Building the report page"
  VERBATIM)

file(MAKE_DIRECTORY ${web_build})
add_custom_target(tacho_web DEPENDS ${TACHO_REPORT_PAGE})
# Makefiles know an output only within its target, so the library that embeds the page waits for it.
cmake_language(DEFER CALL add_dependencies tacho_report tacho_web)

if(TACHO_TESTS)
  add_test(NAME web COMMAND ${TACHO_NODE} build.mjs test ${CMAKE_SOURCE_DIR}/tests/web
           WORKING_DIRECTORY ${web_build})
endif()
