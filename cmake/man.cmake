# SPDX-License-Identifier: MIT
# ork.1, the man page, and the completion of shells: printed by the program itself, from the tables that `ork help` prints.
set(ORK_MAN_PAGE ${CMAKE_BINARY_DIR}/ork.1)
set(ORK_BASH_COMPLETION ${CMAKE_BINARY_DIR}/completion/ork)
set(ORK_ZSH_COMPLETION ${CMAKE_BINARY_DIR}/completion/_ork)
set(ORK_FISH_COMPLETION ${CMAKE_BINARY_DIR}/completion/ork.fish)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/completion)

function(ork_print output)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -E env --unset=ORK_LUA_DIR $<TARGET_FILE:ork> ${ARGN} > ${output}
    DEPENDS ork
    VERBATIM)
endfunction()
ork_print(${ORK_MAN_PAGE} help --format man)
ork_print(${ORK_BASH_COMPLETION} completion bash)
ork_print(${ORK_ZSH_COMPLETION} completion zsh)
ork_print(${ORK_FISH_COMPLETION} completion fish)
add_custom_target(ork_man ALL DEPENDS ${ORK_MAN_PAGE} ${ORK_BASH_COMPLETION} ${ORK_ZSH_COMPLETION} ${ORK_FISH_COMPLETION})

install(FILES ${ORK_MAN_PAGE} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${ORK_BASH_COMPLETION} DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${ORK_FISH_COMPLETION} DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
# zsh looks into vendor-completions below /usr only (where packages of Debian put theirs), into site-functions below other prefixes. Which
# it is, is known when it is installed: cpack has a prefix of its own.
install(CODE "
  set(folder site-functions)
  if(CMAKE_INSTALL_PREFIX MATCHES \"^(.*/_CPack_Packages/.*)?/usr$\")
    set(folder vendor-completions)
  endif()
  file(INSTALL \"${ORK_ZSH_COMPLETION}\" DESTINATION \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}/zsh/\${folder}\")")
