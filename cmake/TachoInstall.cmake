# What `cmake --install` puts where: the binary and the texts that a user looks for beside it.
include(GNUInstallDirs)

install(TARGETS tacho RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES README.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL)
install(FILES data/conversations.json DESTINATION ${CMAKE_INSTALL_DATADIR}/tacho OPTIONAL)
