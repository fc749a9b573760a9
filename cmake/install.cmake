# Where things go. The program and the module look for the agent around themselves (runtime/exec/find.c), so what is installed
# under one prefix works under any other.
#
#   bin/ork  libexec/ork/ork-agent  libexec/ork/python/*.py  lib/lua/5.4/ork/core.so  share/lua/5.4/ork/*.lua  include/ork/ork.h
#   share/man/man1/ork.1  share/bash-completion/completions/ork  share/zsh/site-functions/_ork  share/fish/vendor_completions.d/ork.fish
#   share/doc/ork/*
#   lib/systemd/system/ork.service
#
# LuaRocks names its own folders: ORK_LUA_DIR for Lua modules, ORK_LUA_CDIR for the C module, ORK_AGENT_DIR for the agent beside it.
include(GNUInstallDirs)
if(NOT DEFINED ORK_LUA_DIR)
  set(ORK_LUA_DIR ${CMAKE_INSTALL_DATADIR}/lua/5.4)
endif()
if(NOT DEFINED ORK_LUA_CDIR)
  set(ORK_LUA_CDIR ${CMAKE_INSTALL_LIBDIR}/lua/5.4)
endif()
if(NOT DEFINED ORK_AGENT_DIR)
  set(ORK_AGENT_DIR ${CMAKE_INSTALL_LIBEXECDIR}/ork)
endif()
if(IS_ABSOLUTE ${ORK_AGENT_DIR})
  set(agent_home /usr/libexec/ork)
else()
  set(agent_home ${CMAKE_INSTALL_PREFIX}/${ORK_AGENT_DIR})
endif()
set_property(SOURCE runtime/exec/find.c APPEND PROPERTY COMPILE_DEFINITIONS ORK_AGENT_HOME="${agent_home}")

install(TARGETS ork RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS ork-agent RUNTIME DESTINATION ${ORK_AGENT_DIR})
install(FILES python/run_task.py python/inspect_task.py python/ork_sdk.py DESTINATION ${ORK_AGENT_DIR}/python) # runtime/exec/find.c
if(TARGET ork_edit)
  install(TARGETS ork_edit LIBRARY DESTINATION ${ORK_AGENT_DIR}) # found from bin/ork: runtime/script/edit.c
endif()
if(TARGET ork_postgres)
  install(TARGETS ork_postgres LIBRARY DESTINATION ${ORK_AGENT_DIR}) # runtime/base/module.c
endif()
if(TARGET ork_cloud_module)
  install(TARGETS ork_cloud_module LIBRARY DESTINATION ${ORK_AGENT_DIR}) # runtime/base/module.c
endif()
install(TARGETS ork_module LIBRARY DESTINATION ${ORK_LUA_CDIR}/ork)
install(DIRECTORY lua/ork DESTINATION ${ORK_LUA_DIR} FILES_MATCHING PATTERN "*.lua")
install(FILES runtime/include/ork/ork.h runtime/include/ork/copy.h runtime/include/ork/doctor.h runtime/include/ork/http.h runtime/include/ork/schedule.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/ork)
if(NOT IS_ABSOLUTE ${ORK_AGENT_DIR}) # a rock brings no service
  install(FILES packaging/ork.service DESTINATION lib/systemd/system)
endif()
install(FILES README.md LICENSE CHANGELOG.md ARCHITECTURE.md CONTRIBUTING.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md")
# Not what examples make where they are run.
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR} USE_SOURCE_PERMISSIONS
  PATTERN ".*" EXCLUDE PATTERN "*.html" EXCLUDE PATTERN "*.db*" EXCLUDE PATTERN "out" EXCLUDE PATTERN "__pycache__" EXCLUDE PATTERN "*.so" EXCLUDE)
include(cmake/package.cmake)
