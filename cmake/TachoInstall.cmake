# What `cmake --install` puts where: the binary, and beside it the manual and the completions, which
# the binary writes itself from its table of flags, so that they cannot fall behind it.
include(GNUInstallDirs)

install(TARGETS tacho RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES README.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL)
install(FILES data/conversations.json DESTINATION ${CMAKE_INSTALL_DATADIR}/tacho)

# tacho_printed(name destination argument...): what `tacho print ARGUMENT...` says becomes the file.
function(tacho_printed name destination)
  set(file ${CMAKE_BINARY_DIR}/share/${name})
  add_custom_command(OUTPUT ${file} COMMAND tacho print ${ARGN} > ${file} DEPENDS tacho VERBATIM
                     COMMENT "tacho print ${ARGN}")
  set_property(GLOBAL APPEND PROPERTY TACHO_PRINTED ${file})
  install(FILES ${file} DESTINATION ${destination})
endfunction()

# A binary for another machine, or one slowed down by a sanitizer, is not asked.
if(NOT CMAKE_CROSSCOMPILING AND NOT TACHO_SANITIZE)
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/share)
  tacho_printed(tacho.1 ${CMAKE_INSTALL_MANDIR}/man1 man)
  tacho_printed(tacho ${CMAKE_INSTALL_DATADIR}/bash-completion/completions completion bash)
  tacho_printed(_tacho ${CMAKE_INSTALL_DATADIR}/zsh/site-functions completion zsh)
  tacho_printed(tacho.fish ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d completion fish)
  get_property(printed GLOBAL PROPERTY TACHO_PRINTED)
  add_custom_target(tacho_print ALL DEPENDS ${printed})
endif()
