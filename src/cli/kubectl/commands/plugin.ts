import { findCommand, rootCommand } from '../command.ts'
import { SilentExit } from '../errors.ts'
import { isExecutable, listPlugins } from '../plugins.ts'
import type { CommandHandler } from './handler.ts'

// k8s: kubectl/pkg/cmd/plugin PluginListOptions
export const pluginList: CommandHandler = ({ f, flags, out, err }) => {
  const found = listPlugins(f.proc, (directory, reason) => void err(`Unable to read directory ${JSON.stringify(directory)} from your PATH: open ${directory}: ${reason}. Skipping...\n`))
  if (found.length === 0) throw new Error('unable to find any kubectl plugins in your PATH')
  void out('The following compatible plugins are available:\n\n')
  const seen = new Map<string, string>()
  let warnings = 0
  for (const path of found) {
    const name = path.slice(path.lastIndexOf('/') + 1)
    const complain = (text: string) => { warnings++; void err(`  - ${text}\n`) }
    void out(`${flags.bool('name-only') ? name : path}\n`)
    if (!isExecutable(f.proc, f.proc.resolve(path))) complain(`warning: ${path} identified as a kubectl plugin, but it is not executable`)
    else if (seen.has(name)) complain(`warning: ${path} is overshadowed by a similarly named plugin: ${seen.get(name)}`)
    else seen.set(name, path)
    const own = findCommand(name.slice('kubectl-'.length).split('-')).spec
    if (own !== rootCommand()) complain(`warning: ${name} overwrites existing command: ${JSON.stringify(own.path)}`)
  }
  if (warnings === 0) return
  void err(warnings === 1 ? 'error: one plugin warning was found\n' : `error: ${warnings} plugin warnings were found\n`)
  throw new SilentExit(1)
}
