# Sets ORK_VERSION: the last tag and the distance to it ("0.1.0-12-gabcdef"), before the first tag the project's version and the
# commit ("0.1.0-gabcdef"), outside a checkout the project's version. ORK_COMMITS: how many led here, 0 outside.
set(ORK_VERSION ${PROJECT_VERSION})
set(ORK_COMMITS 0)
find_package(Git QUIET)
if(GIT_FOUND AND EXISTS ${CMAKE_SOURCE_DIR}/.git)
  execute_process(COMMAND ${GIT_EXECUTABLE} describe --tags --always --match "v[0-9]*" WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
                  OUTPUT_VARIABLE described OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  execute_process(COMMAND ${GIT_EXECUTABLE} rev-list --count HEAD WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
                  OUTPUT_VARIABLE commits OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(commits)
    set(ORK_COMMITS ${commits})
  endif()
  if(described MATCHES "^v([0-9].*)")
    set(ORK_VERSION ${CMAKE_MATCH_1})
  elseif(described)
    set(ORK_VERSION ${PROJECT_VERSION}-g${described})
  endif()
endif()
