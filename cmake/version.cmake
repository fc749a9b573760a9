# Sets ORK_VERSION: the last tag and the distance to it ("0.1.0-12-gabcdef"), before the first tag the project's version and the
# commit ("0.1.0-gabcdef"), outside a checkout the project's version.
#
# And ORK_DEBIAN_VERSION, which sorts: what comes before a tag is older (~), after it newer (+):
# 0.1.0~57.gabcdef < 0.1.0~rc1 < 0.1.0 < 0.1.0+3.gabcdef.
set(ORK_VERSION ${PROJECT_VERSION})
set(commits 0)
find_package(Git QUIET)
if(GIT_FOUND AND EXISTS ${CMAKE_SOURCE_DIR}/.git)
  execute_process(COMMAND ${GIT_EXECUTABLE} describe --tags --always --match "v[0-9]*" WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
                  OUTPUT_VARIABLE described OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(described MATCHES "^v([0-9].*)")
    set(ORK_VERSION ${CMAKE_MATCH_1})
  elseif(described)
    set(ORK_VERSION ${PROJECT_VERSION}-g${described})
    execute_process(COMMAND ${GIT_EXECUTABLE} rev-list --count HEAD WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
                    OUTPUT_VARIABLE commits OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
endif()

string(REGEX REPLACE "-(alpha|beta|rc)" "~\\1" ORK_DEBIAN_VERSION ${ORK_VERSION})
if(ORK_DEBIAN_VERSION MATCHES "^([0-9.]+)-g([0-9a-f]+)$")
  set(ORK_DEBIAN_VERSION ${CMAKE_MATCH_1}~${commits}.g${CMAKE_MATCH_2})
endif()
string(REGEX REPLACE "-([0-9]+)-g" "+\\1.g" ORK_DEBIAN_VERSION ${ORK_DEBIAN_VERSION})
