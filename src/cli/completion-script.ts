/** For each shell a script that asks a program itself for the words, as cobra's generated scripts do. */
const scriptsOf = (program: string): Record<string, string> => ({
  bash: `# bash completion for ${program}
__start_${program}() {
  local words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  local lines directive extension
  mapfile -t lines < <(${program} __completeNoDesc "\${words[@]}" 2>/dev/null)
  [[ \${#lines[@]} -gt 0 ]] || return
  directive=\${lines[-1]#:}; unset 'lines[-1]'
  COMPREPLY=()
  if (( directive & ${Directive.filterFileExt} )); then
    mapfile -t COMPREPLY < <(compgen -d -S / -- "\${words[-1]}"; for extension in "\${lines[@]}"; do compgen -f -X "!*.$extension" -- "\${words[-1]}"; done)
    [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == */ ]] && compopt -o nospace
    return
  fi
  COMPREPLY=("\${lines[@]}")
  (( directive & ${Directive.noSpace} )) && compopt -o nospace
  (( directive & ${Directive.noFileComp} )) && compopt +o default
}
complete -o default -F __start_${program} ${program}
`,
  zsh: `#compdef ${program}
_${program}() {
  local -a lines
  lines=("\${(@f)$(${program} __completeNoDesc "\${words[@]:1:$((CURRENT-1))}" 2>/dev/null)}")
  local directive=\${lines[-1]#:}
  lines[-1]=()
  if (( directive & ${Directive.filterFileExt} )); then
    _files -g "*.(\${(j:|:)lines})"
  elif (( \${#lines} == 0 )); then
    (( directive & ${Directive.noFileComp} )) || _files
  elif (( directive & ${Directive.noSpace} )); then
    compadd -S '' -- "\${lines[@]}"
  else
    compadd -- "\${lines[@]}"
  fi
}
compdef _${program} ${program}
`,
  fish: `# fish completion for ${program}
function __start_${program}
  set -l words (commandline -opc) (commandline -ct)
  set -l lines (${program} __complete $words[2..-1] 2>/dev/null)
  set -q lines[1]; or return
  set -l directive (string sub -s 2 -- $lines[-1])
  set -e lines[-1]
  if test (math "bitand($directive, ${Directive.filterFileExt})") -ne 0
    for extension in $lines
      __fish_complete_suffix .$extension
    end
  else if set -q lines[1]
    printf '%s\\n' $lines
  else if test (math "bitand($directive, ${Directive.noFileComp})") -eq 0
    __fish_complete_path (commandline -ct)
  end
end
complete -c ${program} -f -a '(__start_${program})'
`,
  powershell: `# PowerShell completion for ${program}
Register-ArgumentCompleter -Native -CommandName ${program} -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = $commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { "$_" }
  if ($wordToComplete -eq '') { $words = @($words) + '' }
  $lines = @(${program} __completeNoDesc @words 2>$null)
  # Without proposals PowerShell offers files.
  if ([int]($lines[-1] -replace '^:') -band ${Directive.filterFileExt}) { return }
  $lines | Select-Object -SkipLast 1 | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
}
`,
})

/** What makes a shell complete a program's commands and flags; undefined for a shell that isn't known. The program answers `__complete WORD...` as {@link completionAnswer} writes it. */
export function completionScript(program: string, shell: string): string | undefined {
  const scripts = scriptsOf(program)
  return Object.hasOwn(scripts, shell) ? scripts[shell] : undefined
}

/** What a shell should do beside offering candidates; a sum of these. k8s: cobra ShellCompDirective */
export const Directive = { default: 0, noSpace: 2, noFileComp: 4, filterFileExt: 8 } as const

/** The answer to `__complete`. */
export interface CompletionAnswer {
  /** Words, each perhaps with a tab and what it is for; with `filterFileExt` the extensions of files instead. */
  candidates: readonly string[]
  directive: number
  /** Why nothing can be said. */
  error?: string
}

const DIRECTIVE_NAMES: readonly (readonly [number, string])[] = [[Directive.noSpace, 'NoSpace'], [Directive.noFileComp, 'NoFileComp'], [Directive.filterFileExt, 'FilterFileExt']]

/**
 * The answer as shells' scripts read it: candidates, one a line, and after them the directive.
 * @param plain leaves out what candidates are for, as `__completeNoDesc` asks
 * k8s: cobra completions.go initCompleteCmd
 */
export function completionAnswer({ candidates, directive, error }: CompletionAnswer, plain = false): { stdout: string; stderr: string } {
  const names = DIRECTIVE_NAMES.filter(([bit]) => directive & bit).map(([, name]) => `ShellCompDirective${name}`)
  const lines = candidates.map((candidate) => (plain ? candidate.split('\t')[0]! : candidate).split('\n')[0]!.trim())
  return {
    stdout: [...lines, `:${directive}`].map((line) => `${line}\n`).join(''),
    stderr: `${error === undefined ? '' : `[Debug] [Error] ${error}\n`}Completion ended with directive: ${names.join(', ') || 'ShellCompDirectiveDefault'}\n`,
  }
}
