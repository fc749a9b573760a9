# Run by cpack on what will be packed. Debian wants manual pages and changelogs compressed, and the licence as `copyright`.
if(NOT CPACK_GENERATOR STREQUAL DEB)
  return()
endif()
set(share ${CPACK_TEMPORARY_DIRECTORY}${CPACK_PACKAGING_INSTALL_PREFIX}/share)
file(RENAME ${share}/doc/ork/CHANGELOG.md ${share}/doc/ork/changelog)
file(RENAME ${share}/doc/ork/LICENSE ${share}/doc/ork/copyright)
file(GLOB pages ${share}/man/man*/*.[0-9])
execute_process(COMMAND gzip -9n ${share}/doc/ork/changelog ${pages} COMMAND_ERROR_IS_FATAL ANY)
