/** For each shell a script that asks a program itself for the words, as cobra's generated scripts do. */
const scriptsOf = (program: string): Record<string, string> => ({
  bash: `# bash completion for ${program}
__start_${program}() {
  local words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  mapfile -t COMPREPLY < <(${program} __complete "\${words[@]}" 2>/dev/null)
  [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *[=/] ]] && compopt -o nospace
}
complete -o default -F __start_${program} ${program}
`,
  zsh: `#compdef ${program}
_${program}() {
  local -a candidates
  candidates=("\${(@f)$(${program} __complete "\${words[@]:1:$((CURRENT-1))}" 2>/dev/null)}")
  compadd -S '' -- "\${candidates[@]}"
}
compdef _${program} ${program}
`,
  fish: `# fish completion for ${program}
function __start_${program}
  set -l words (commandline -opc) (commandline -ct)
  ${program} __complete $words[2..-1] 2>/dev/null
end
complete -c ${program} -f -a '(__start_${program})'
`,
  powershell: `# PowerShell completion for ${program}
Register-ArgumentCompleter -Native -CommandName ${program} -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = $commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { "$_" }
  if ($wordToComplete -eq '') { $words = @($words) + '' }
  ${program} __complete @words 2>$null | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
}
`,
})

/** What makes a shell complete a program's commands and flags; undefined for a shell that isn't known. The program answers `__complete WORD...` with candidates, one a line. */
export function completionScript(program: string, shell: string): string | undefined {
  const scripts = scriptsOf(program)
  return Object.hasOwn(scripts, shell) ? scripts[shell] : undefined
}
