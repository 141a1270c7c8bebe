/** For each shell a script that asks a program itself for the words, as cobra's generated scripts do. */
const scriptsOf = (program: string): Record<string, string> => ({
  bash: `# bash completion for ${program}
__start_${program}() {
  local words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  mapfile -t COMPREPLY < <(${program} __complete "\${words[@]}" 2>/dev/null | sed '$d')
  [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *[=/] ]] && compopt -o nospace
}
complete -o default -F __start_${program} ${program}
`,
  zsh: `#compdef ${program}
_${program}() {
  local -a candidates
  candidates=("\${(@f)$(${program} __complete "\${words[@]:1:$((CURRENT-1))}" 2>/dev/null | sed '$d')}")
  compadd -S '' -- "\${candidates[@]}"
}
compdef _${program} ${program}
`,
  fish: `# fish completion for ${program}
function __start_${program}
  set -l words (commandline -opc) (commandline -ct)
  ${program} __complete $words[2..-1] 2>/dev/null | sed '$d'
end
complete -c ${program} -f -a '(__start_${program})'
`,
  powershell: `# PowerShell completion for ${program}
Register-ArgumentCompleter -Native -CommandName ${program} -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = $commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { "$_" }
  if ($wordToComplete -eq '') { $words = @($words) + '' }
  ${program} __complete @words 2>$null | Select-Object -SkipLast 1 | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
}
`,
})

/** What makes a shell complete a program's commands and flags; undefined for a shell that isn't known. The program answers `__complete WORD...` as {@link completionAnswer} writes it. */
export function completionScript(program: string, shell: string): string | undefined {
  const scripts = scriptsOf(program)
  return Object.hasOwn(scripts, shell) ? scripts[shell] : undefined
}

/**
 * The answer to `__complete`: candidates, one a line, and after them a directive.
 * @param candidates undefined where file names are meant
 * k8s: cobra completions.go ShellCompDirective
 */
export function completionAnswer(candidates: readonly string[] | undefined): { stdout: string; stderr: string } {
  const [directive, name] = candidates ? [4, 'NoFileComp'] : [0, 'Default']
  return { stdout: [...candidates ?? [], `:${directive}`].map((line) => `${line}\n`).join(''), stderr: `Completion ended with directive: ShellCompDirective${name}\n` }
}
