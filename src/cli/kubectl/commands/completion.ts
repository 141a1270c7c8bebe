import { usageError } from '../command.ts'
import type { CommandHandler } from './handler.ts'

/** Asks kubectl itself for the words, as cobra's generated scripts do. */
const SCRIPTS: Record<string, string> = {
  bash: `# bash completion for kubectl
__kubectl_complete() {
  local words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  mapfile -t COMPREPLY < <(kubectl __complete "\${words[@]}" 2>/dev/null)
  [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *[=/] ]] && compopt -o nospace
}
complete -o default -F __kubectl_complete kubectl
`,
  zsh: `#compdef kubectl
_kubectl() {
  local -a candidates
  candidates=("\${(@f)$(kubectl __complete "\${words[@]:1:$((CURRENT-1))}" 2>/dev/null)}")
  compadd -S '' -- "\${candidates[@]}"
}
compdef _kubectl kubectl
`,
  fish: `# fish completion for kubectl
function __kubectl_complete
  set -l words (commandline -opc) (commandline -ct)
  kubectl __complete $words[2..-1] 2>/dev/null
end
complete -c kubectl -f -a '(__kubectl_complete)'
`,
  powershell: `# PowerShell completion for kubectl
Register-ArgumentCompleter -Native -CommandName kubectl -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = $commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { "$_" }
  if ($wordToComplete -eq '') { $words = @($words) + '' }
  kubectl __complete @words 2>$null | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
}
`,
}

export const completion: CommandHandler = ({ args, out, spec }) => {
  if (args.length === 0) throw usageError(spec, 'Shell not specified.')
  if (args.length > 1) throw usageError(spec, 'Too many arguments. Expected only the shell type.')
  const script = SCRIPTS[args[0]!]
  if (!script) throw usageError(spec, `Unsupported shell type ${JSON.stringify(args[0])}.`)
  void out(script)
}
