import { BrokenPipeError } from '../../base/streams.ts'
import { ProcessExit, ProcessKilled } from '../../unix/types.ts'
import type { Program } from '../../unix/types.ts'
import { allFlags, commandTree, editDistance, findCommand } from '../kubectl/command.ts'
import type { CommandSpec, RawCommand } from '../kubectl/command.ts'
import { parseFlags } from '../kubectl/flags.ts'
import { createCommandIo } from '../kubectl/io.ts'
import type { CommandIo } from '../kubectl/io.ts'
import commandTable from './commands.json' with { type: 'json' }
import { createCommand, dependencyBuildCommand, dependencyListCommand, dependencyUpdateCommand, lintCommand, packageCommand, pullCommand, showCommand } from './commands/charts.ts'
import type { HelmCommand } from './commands/command.ts'
import { envCommand, versionCommand } from './commands/environment.ts'
import { installCommand } from './commands/install.ts'
import { getAllCommand, getHooksCommand, getManifestCommand, getMetadataCommand, getNotesCommand, getValuesCommand, historyCommand, listCommand, rollbackCommand, statusCommand, uninstallCommand } from './commands/releases.ts'
import { repoAddCommand, repoIndexCommand, repoListCommand, repoRemoveCommand, repoUpdateCommand, searchRepoCommand } from './commands/repositories.ts'
import { templateCommand } from './commands/template.ts'
import { testCommand } from './commands/test.ts'
import { upgradeCommand } from './commands/upgrade.ts'
import { helmHelp, usageLine } from './help.ts'
import { Session } from './session.ts'

/** How many arguments a command takes. */
type Arity = { exactly: number } | { atLeast: number } | { atMost: number }

const COMMANDS: Readonly<Record<string, readonly [HelmCommand, Arity]>> = {
  create: [createCommand, { exactly: 1 }], install: [installCommand, { atLeast: 1 }], upgrade: [upgradeCommand, { exactly: 2 }], template: [templateCommand, { atLeast: 1 }], list: [listCommand, { exactly: 0 }],
  status: [statusCommand, { exactly: 1 }], history: [historyCommand, { exactly: 1 }], rollback: [rollbackCommand, { atLeast: 1 }], uninstall: [uninstallCommand, { atLeast: 1 }], test: [testCommand, { exactly: 1 }],
  'get all': [getAllCommand, { exactly: 1 }], 'get values': [getValuesCommand, { exactly: 1 }], 'get manifest': [getManifestCommand, { exactly: 1 }], 'get notes': [getNotesCommand, { exactly: 1 }],
  'get hooks': [getHooksCommand, { exactly: 1 }], 'get metadata': [getMetadataCommand, { exactly: 1 }], lint: [lintCommand, { atLeast: 0 }], package: [packageCommand, { atLeast: 0 }], pull: [pullCommand, { atLeast: 1 }],
  'show all': [showCommand('all'), { exactly: 1 }], 'show chart': [showCommand('chart'), { exactly: 1 }], 'show values': [showCommand('values'), { exactly: 1 }], 'show readme': [showCommand('readme'), { exactly: 1 }],
  'show crds': [showCommand('crds'), { exactly: 1 }], 'dependency list': [dependencyListCommand, { atMost: 1 }], 'dependency update': [dependencyUpdateCommand, { atMost: 1 }], 'dependency build': [dependencyBuildCommand, { atMost: 1 }],
  'repo add': [repoAddCommand, { exactly: 2 }], 'repo list': [repoListCommand, { exactly: 0 }], 'repo update': [repoUpdateCommand, { atLeast: 0 }], 'repo remove': [repoRemoveCommand, { atLeast: 1 }],
  'repo index': [repoIndexCommand, { exactly: 1 }], 'search repo': [searchRepoCommand, { atLeast: 0 }], version: [versionCommand, { exactly: 0 }], env: [envCommand, { atMost: 1 }],
}

/** The package manager of Kubernetes: charts, their templates, and the releases made of them. Speaks HTTP only, as kubectl does. */
// @k8s part: Helm: plugins, OCI registries, signatures, post renderers, search hub, shell completion and starters are missing
export const helm: Program = async (proc) => {
  const io = createCommandIo(proc)
  let code: number
  try {
    code = await runHelm(io, (spec, flags, args) => new Session(proc, io, spec, flags, args), proc.argv.slice(1), proc.env['HOME'] || proc.user.home)
  } catch (error) {
    if (error instanceof ProcessExit || error instanceof ProcessKilled || error instanceof BrokenPipeError) throw error
    void io.err(`Error: ${(error as Error).message}\n`)
    code = 1
  }
  await io.flush()
  return code
}

let root: CommandSpec | undefined
const rootCommand = () => root ??= commandTree(commandTable as unknown as RawCommand[])

async function runHelm(io: CommandIo, sessionOf: (...args: [CommandSpec, ConstructorParameters<typeof Session>[3], readonly string[]]) => Session, words: readonly string[], home: string): Promise<number> {
  const { spec, rest } = findCommand(words, rootCommand())
  const showHelp = (of: CommandSpec) => { void io.out(helmHelp(of, home)); return 0 }
  if (spec === rootCommand()) {
    const [word] = rest.filter((each) => !each.startsWith('-'))
    if (word === 'help') return showHelp(findCommand(rest.slice(rest.indexOf('help') + 1), rootCommand()).spec)
    if (word !== undefined) {
      const near = spec.children.filter(({ name }) => editDistance(word.toLowerCase(), name) <= 2 || name.startsWith(word.toLowerCase()) || (name === 'uninstall' && (word === 'remove' || word === 'rm'))).map(({ name }) => name)
      throw new Error(`unknown command ${JSON.stringify(word)} for "helm"${near.length > 0 ? `\n\nDid you mean this?\n${near.map((name) => `\t${name}\n`).join('')}` : ''}\nRun 'helm --help' for usage.`)
    }
  }
  const known = allFlags(spec)
  const { values, args } = parseFlags(known, rest)
  if (values.bool('help')) return showHelp(spec)
  for (const flag of UNAVAILABLE) if (values.changed(flag)) throw new Error(`--${flag} is not available in Drydock`)
  const name = spec.path.slice('helm '.length)
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (!entry) {
    if (spec.children.length === 0) throw new Error(`"${spec.path}" is not available in Drydock`)
    return showHelp(spec)
  }
  checkArity(spec, entry[1], args.length)
  return await entry[0](sessionOf(spec, values, args)) ?? 0
}

/** Flags that promise something which isn't done here. */
const UNAVAILABLE = ['verify', 'prov', 'recreate-pods']

/** k8s: cmd/helm/require @throws Error */
function checkArity(spec: CommandSpec, arity: Arity, count: number): void {
  const plural = (n: number) => n === 1 ? 'argument' : 'arguments'
  const fail = (text: string): never => { throw new Error(`"${spec.path}" ${text}\n\nUsage:  ${usageLine(spec)}`) }
  if ('exactly' in arity && count !== arity.exactly) fail(arity.exactly === 0 ? 'accepts no arguments' : `requires ${arity.exactly} ${plural(arity.exactly)}`)
  if ('atLeast' in arity && count < arity.atLeast) fail(`requires at least ${arity.atLeast} ${plural(arity.atLeast)}`)
  if ('atMost' in arity && count > arity.atMost) fail(`accepts at most ${arity.atMost} ${plural(arity.atMost)}`)
}
