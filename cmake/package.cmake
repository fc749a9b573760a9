# cpack -G DEB makes ork_VERSION_ARCH.deb of what `cmake --install` installs; cpack -G TGZ the same as an archive.
set(CPACK_PACKAGE_NAME ork)
set(CPACK_PACKAGE_VENDOR "the Ork authors")
set(CPACK_PACKAGE_CONTACT "The Ork authors <ork@localhost>" CACHE STRING "Who maintains the package")
set(CPACK_PACKAGE_VERSION ${ORK_VERSION})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "workflows written in Lua that survive being killed")
set(CPACK_PACKAGE_FILE_NAME ork-${ORK_VERSION}-${CMAKE_SYSTEM_PROCESSOR})
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_GENERATOR TGZ)

set(CPACK_DEBIAN_PACKAGE_VERSION ${ORK_DEBIAN_VERSION})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "lua5.4, python3")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Tasks with dependencies, retries, typed inputs and outputs, run by a small
engine that makes every step durable: when ork or the machine goes down, the
next ork goes on where it was and repeats nothing that succeeded.
.
This package brings the program ork, the agent that starts processes, and the
module ork for Lua 5.4.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_SOURCE_DIR}/cmake/package_debian.cmake)
include(CPack)
