-- SPDX-License-Identifier: MIT
-- What shells need to complete `ork …`. The scripts hand the half-typed line to `ork completion words`, which knows what may
-- follow; they only turn its lines into the shell's own lists. It never says what went wrong: there is nothing to complete.
local stop = require "ork.cli.stop"
local term = require "ork.term"
local words = require "ork.cli.words"

local completion = {
  name = "completion",
  usage = "completion bash|zsh|fish",
  summary = "Prints the script that lets the shell complete commands, options, runs, tasks and params",
  text = [[
For bash, in ~/.bashrc:

  eval "$(ork completion bash)"

For zsh, in ~/.zshrc after `compinit`:

  eval "$(ork completion zsh)"

For fish, in ~/.config/fish/config.fish:

  ork completion fish | source

It completes commands, options and their values, scripts, workflows, the newest 50 runs, the tasks of the run that is named, and
params with their choices. It only looks: a script is read, never run, and no database is made.]],
  examples = {
    { [[eval "$(ork completion bash)"]], "complete in this shell" },
    { "ork completion bash >/etc/bash_completion.d/ork", "for all users" },
    { "ork completion zsh >~/.zfunc/_ork", "for zsh, in a folder of $fpath" },
    { "ork completion fish >~/.config/fish/completions/ork.fish", "for fish" },
  },
  words = { 1, 4 },
  bytes = true,
}

local LONGEST = 1 << 14 -- bytes of a line; nobody types more

local scripts = {}

scripts.bash = [=[
# bash completion for ork: eval "$(ork completion bash)"
_ork() {
    local program=${1/#\~/$HOME} kind rest line
    local -a files
    COMPREPLY=()
    while IFS= read -r line; do
        kind=${line%% *} rest=${line#* }
        case $kind in
        word) COMPREPLY+=("$rest") ;;
        nospace) compopt -o nospace 2>/dev/null ;;
        files)
            compopt -o filenames 2>/dev/null
            local IFS=$'\n'
            case $rest in
            lua) files=($(compgen -f -X '!*.lua' -- "$2"; compgen -d -- "$2")) ;;
            folders) files=($(compgen -d -- "$2")) ;;
            *) files=($(compgen -f -- "$2")) ;;
            esac
            COMPREPLY+=("${files[@]}")
            unset IFS
            ;;
        esac
    done < <("$program" completion words bash "$COMP_WORDBREAKS" "${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
}
complete -F _ork ork]=]

scripts.zsh = [=[
#compdef ork
# zsh completion for ork: eval "$(ork completion zsh)", or as the file _ork in a folder of $fpath
_ork() {
    local line kind rest program=${~words[1]} found=1
    local -a plain open
    while IFS= read -r line; do
        kind=${line%% *} rest=${line#* }
        case $kind in
        word) plain+=("$rest") ;;
        open) open+=("$rest") ;;
        files)
            case $rest in
            lua) _files -g '*.lua(-.)' && found=0 ;;
            folders) _files -/ && found=0 ;;
            *) _files && found=0 ;;
            esac
            ;;
        esac
    done < <("$program" completion words zsh "" "${(j: :)words[1,CURRENT-1]} ${QIPREFIX}${PREFIX}" 2>/dev/null)
    (( $#plain )) && _describe -V ork plain && found=0
    (( $#open )) && _describe -V ork open -S '' && found=0
    return found
}
if [ "$funcstack[1]" = _ork ]; then _ork "$@"; else compdef _ork ork; fi]=]

-- fish quotes what it inserts and lists files by itself; a candidate that ends in = / or : gets no blank behind it.
scripts.fish = [=[
# fish completion for ork: ork completion fish | source, or as the file ork.fish in a folder of $fish_complete_path
function __ork_complete
    set -l program (commandline -opc)[1]
    for line in ($program completion words fish "" (commandline -cp) 2>/dev/null)
        switch $line
            case 'files folders'
                __fish_complete_directories (commandline -ct)
            case 'files *'
                __fish_complete_path (commandline -ct)
            case 'word *'
                string replace 'word ' '' -- $line
        end
    end
end
complete -c ork -f -a '(__ork_complete)']=]

-- ---- candidates as the shells take them ------------------------------------------------------

local function is_escaped(text, i)
  local n = 0
  while text:sub(i - n - 1, i - n - 1) == "\\" do n = n + 1 end
  return n % 2 == 1
end

--- bash replaces what stands after the last character that breaks words; an open quote begins a word of its own.
local function for_bash(found, files, line, place, breaks)
  local typed = line:sub(place.start)
  local cut = 0
  if not place.open then
    if not place.plain then return end
    for i = #typed, 1, -1 do
      if breaks:find(typed:sub(i, i), 1, true) and not is_escaped(typed, i) then
        local before = words.split(typed:sub(1, i))
        cut = #before[#before]
        break
      end
    end
  end
  local nospace = false
  for _, one in ipairs(found) do nospace = nospace or one.more end
  if files then term.out("files " .. files) end
  if nospace then term.out("nospace -") end
  for _, one in ipairs(found) do
    local text = one.word:sub(place.skip + 1)
    local quoted = words.quote(text:sub(cut + 1), place.open)
    if quoted and not text:find("[%c]") then
      term.out("word " .. quoted .. (nospace and not one.more and not files and (place.open or "") .. " " or ""))
    end
  end
end

--- zsh quotes what it inserts; a colon ends the word in a line of _describe.
local function for_zsh(found, files)
  for _, one in ipairs(found) do
    if not one.word:find("%c") then
      local text = one.text and ":" .. term.line(one.text) or ""
      term.out((one.more and "open " or "word ") .. one.word:gsub("[\\:]", "\\%0") .. text)
    end
  end
  if files then term.out("files " .. files) end
end

--- fish takes a tab between a candidate and what it is.
local function for_fish(found, files)
  for _, one in ipairs(found) do
    if not one.word:find("%c") then term.out("word " .. one.word .. (one.text and "\t" .. term.line(one.text) or "")) end
  end
  if files then term.out("files " .. files) end
end

local function print_candidates(shell, breaks, line)
  local list, place = words.split(line)
  while #list > 1 and list[1]:find("^[%a_][%w_]*=") do table.remove(list, 1) end
  if #list < 2 or #line > LONGEST then return end
  local found, files = require("ork.cli.complete").candidates(list)
  if shell == "bash" then for_bash(found, files, line, place, breaks)
  elseif shell == "fish" then for_fish(found, files)
  else for_zsh(found, files) end
end

function completion.run(given)
  local shell, asked, breaks, line = table.unpack(given.words)
  if shell == "words" and line then
    pcall(print_candidates, asked, breaks, line)
    return 0
  end
  if not scripts[shell] or asked then
    local near = require("ork.core").suggest(shell, { "bash", "zsh", "fish" })
    stop(2, "there is completion for bash, zsh and fish, not for `%s`%s", asked or shell, near and ("; did you mean `%s`?"):format(near) or "")
  end
  term.out(scripts[shell])
  return 0
end

return completion
