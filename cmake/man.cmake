# SPDX-License-Identifier: MIT
# ork.1, the man page: printed by the program itself, from the tables that `ork help` prints.
set(ORK_MAN_PAGE ${CMAKE_BINARY_DIR}/ork.1)
add_custom_command(
  OUTPUT ${ORK_MAN_PAGE}
  COMMAND ${CMAKE_COMMAND} -E env --unset=ORK_LUA_DIR $<TARGET_FILE:ork> help --format man > ${ORK_MAN_PAGE}
  DEPENDS ork
  VERBATIM)
add_custom_target(ork_man ALL DEPENDS ${ORK_MAN_PAGE})
install(FILES ${ORK_MAN_PAGE} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
