import { UnixError } from '../../unix/types.ts'
import { errorText } from '../../unix/errno.ts'
import type { Program } from '../../unix/types.ts'
import type { BuildCache } from './build-cache.ts'
import { DockerError } from './docker-error.ts'
import type { DockerEngine } from './docker-engine.ts'
import { familiarName } from './image-table.ts'
import * as archives from './commands/archive-commands.ts'
import type { DockerCommand, TemplateOf } from './commands/command.ts'
import * as containers from './commands/container-commands.ts'
import { FlagError, Flags, optionsHelp } from './commands/flags.ts'
import * as images from './commands/image-commands.ts'
import * as system from './commands/system-commands.ts'
import { TemplateError } from './commands/table.ts'

/** Commands by what they are called, the management forms with two words. */
const COMMANDS: Readonly<Record<string, DockerCommand>> = {
  run: containers.run, exec: containers.exec, ps: containers.ps, build: images.build, pull: images.pull, push: images.push, images: images.images, login: system.login, logout: system.logout, version: system.version, info: system.info,
  attach: containers.attach, commit: system.commit, cp: system.cp, create: containers.create, diff: containers.diff, history: images.history, inspect: system.inspect, kill: containers.kill, logs: containers.logs, pause: containers.pause, port: containers.port, rename: containers.rename, restart: containers.restart,
  rm: containers.rm, rmi: images.rmi, save: archives.save, load: archives.load, start: containers.start, stats: system.stats, stop: containers.stop, tag: images.tag, top: containers.top, unpause: containers.unpause, wait: containers.wait,
  'builder build': images.build, 'builder prune': system.builderPrune, 'buildx build': images.build, 'buildx prune': system.builderPrune,
  ...Object.fromEntries((['run', 'exec', 'attach', 'create', 'diff', 'kill', 'logs', 'pause', 'port', 'rename', 'restart', 'rm', 'start', 'stop', 'top', 'unpause', 'wait', 'prune'] as const).map((name) => [`container ${name}`, containers[name]])),
  'container ls': containers.ps, 'container list': containers.ps, 'container ps': containers.ps, 'container cp': system.cp, 'container commit': system.commit, 'container stats': system.stats, 'container inspect': system.inspectContainer,
  'image ls': images.images, 'image list': images.images, 'image build': images.build, 'image pull': images.pull, 'image push': images.push, 'image tag': images.tag, 'image rm': images.rmi, 'image remove': images.rmi, 'image history': images.history, 'image prune': images.prune, 'image save': archives.save, 'image load': archives.load, 'image inspect': system.inspectImage,
  'volume ls': system.volumeList, 'volume list': system.volumeList, 'volume create': system.volumeCreate, 'volume rm': system.volumeRemove, 'volume remove': system.volumeRemove, 'volume prune': system.volumePrune, 'volume inspect': system.inspectVolume,
  'network ls': system.networkList, 'network list': system.networkList, 'network create': system.networkCreate, 'network rm': system.networkRemove, 'network remove': system.networkRemove, 'network inspect': system.inspectNetwork,
  'system df': system.systemDf, 'system prune': system.systemPrune, 'system info': system.info,
}

const GROUPS: Readonly<Record<string, string>> = { builder: 'Manage builds', buildx: 'Docker Buildx', container: 'Manage containers', image: 'Manage images', network: 'Manage networks', system: 'Manage Docker', volume: 'Manage volumes' }
const COMMON = ['run', 'exec', 'ps', 'build', 'pull', 'push', 'images', 'login', 'logout', 'version', 'info']

export interface DockerProgramOptions {
  engine: () => Promise<{ engine: DockerEngine; cache: BuildCache }>
  templateOf: TemplateOf
}

/** `docker`: the command line of the engine on the learner's machine. */
// @k8s part: docker: compose, swarm, contexts, events, search, plugins and the engine's HTTP API are missing; networks of their own share one range of addresses; filters of prune and a few other flags are refused; stats counts no network and disk traffic
export function docker({ engine: open, templateOf }: DockerProgramOptions): Program {
  return async (proc) => {
    const out = (text: string) => proc.stdout.write(text)
    const err = (text: string) => proc.stderr.write(text)
    let args = [...proc.argv.slice(1)]
    while (args[0]?.startsWith('-') && args[0] !== '--help' && args[0] !== '-h' && args[0] !== '-v' && args[0] !== '--version') args = /^(?:-H|-c|-l|--host|--context|--config|--log-level)$/.test(args[0]) ? args.slice(2) : args.slice(1)
    const [first, second] = args
    if (first === '__complete') { await out((await candidates(args.slice(1), open)).map((each) => `${each}\n`).join('')); return 0 }
    if (first === undefined || first === '--help' || first === '-h' || (first === 'help' && second === undefined)) { await out(overview()); return 0 }
    if (first === '-v' || first === '--version') { await out(`Docker version ${system.DOCKER_VERSION}, build drydock\n`); return 0 }
    if (first === 'help') args = [...args.slice(1), '--help']
    const isGroup = args[0]! in GROUPS
    const name = isGroup ? `${args[0]} ${args[1] ?? ''}` : args[0]!
    const command = COMMANDS[name]
    if (!command) {
      if (isGroup && (args[1] === undefined || args[1] === '--help' || args[1] === '-h')) { await out(groupHelp(args[0]!)); return args[1] === undefined ? 1 : 0 }
      await err(`docker: unknown command: docker ${name}\n\nRun 'docker${isGroup ? ` ${args[0]}` : ''} --help' for more information\n`)
      return 1
    }
    const rest = args.slice(isGroup ? 2 : 1)
    const called = `docker ${name}`
    const usage = command.usage.replace(/^docker \S+(?: (?:prune|ls|rm|create|inspect|df|build)(?= |$))?/, called)
    const help = `Usage:  ${usage}\n\n${command.help}\n${optionsHelp(command.flags)}`
    try {
      const flags = new Flags([...command.flags, ['help', command.flags.some(([, short]) => short === 'h') ? '' : 'h', 'bool', 'Print usage']], rest, { stopAtOperand: command.stopAtOperand ?? false })
      if (flags.is('help')) { await out(help); return 0 }
      const wrong = countProblem(flags.operands.length, command)
      if (wrong) { await err(`docker: '${called}' ${wrong}\n\nUsage:  ${usage}\n\nRun '${called} --help' for more information\n`); return 1 }
      const unable = command.refused?.find((flag) => flags.get(flag) !== undefined)
      if (unable !== undefined) { await err(`drydock: ${called} --${unable} is not supported\n`); return 1 }
      const opened = await open()
      return await command.run({ ...opened, proc, flags, args: flags.operands, called, templateOf, out, err })
    } catch (error) {
      if (error instanceof FlagError) { await err(`${error.message}\n\nUsage:  ${usage}\n\nRun '${called} --help' for more information\n`); return 125 }
      if (error instanceof TemplateError) { await err(`${error.message}\n`); return error.message.startsWith('template parsing') ? 64 : 1 }
      if (error instanceof DockerError) {
        await err(command.errorCode === 125 ? `docker: Error response from daemon: ${error.message}\n\nRun '${called} --help' for more information\n` : `Error response from daemon: ${error.message}\n`)
        return command.errorCode ?? 1
      }
      if (error instanceof UnixError) { await err(`${error.path !== undefined ? `${error.path}: ` : ''}${errorText(error)}\n`); return 1 }
      throw error
    }
  }
}

function countProblem(count: number, { min = 0, max = Infinity }: DockerCommand): string | undefined {
  const things = (number: number) => `${number} argument${number === 1 ? '' : 's'}`
  if (min === max && count !== min && !(min === 0)) return `requires ${things(min)}`
  if (count < min) return `requires at least ${things(min)}`
  if (count > max) return max === 0 ? 'accepts no arguments' : `requires at most ${things(max)}`
  return undefined
}

/** What the last word of a command line may become, for shells; nothing where files are meant. */
async function candidates(words: readonly string[], open: DockerProgramOptions['engine']): Promise<string[]> {
  const word = words.at(-1) ?? ''
  const names = Object.keys(COMMANDS)
  if (words.length <= 1) return [...new Set(names.map((name) => name.split(' ')[0]!))]
  const isGroup = words[0]! in GROUPS
  if (isGroup && words.length === 2) return names.filter((name) => name.startsWith(`${words[0]} `)).map((name) => name.split(' ')[1]!)
  const command = COMMANDS[isGroup ? `${words[0]} ${words[1]}` : words[0]!]
  if (!command) return []
  if (word.startsWith('-')) return command.flags.map(([name]) => `--${name}`)
  const before = words.slice(isGroup ? 2 : 1, -1)
  let operands: readonly string[]
  try {
    operands = new Flags(command.flags, before, { stopAtOperand: command.stopAtOperand ?? false }).operands
  } catch {
    return [] // A flag waits for its value.
  }
  // A program's own words follow what it is run in.
  if (command.stopAtOperand && operands.length > 0) return []
  const { engine } = await open()
  if (/ CONTAINER/.test(command.usage)) return engine.containers().map(({ name }) => name)
  if (/ (?:SOURCE_)?IMAGE| NAME\[:TAG/.test(command.usage)) return engine.images.list().flatMap(({ id }) => engine.images.namesOf(id)).map(familiarName)
  if (/ VOLUME/.test(command.usage)) return engine.volumes.list().map(({ name }) => name)
  if (/ NETWORK/.test(command.usage)) return engine.networks.names()
  return []
}

function rows(names: readonly (readonly [string, string])[]): string {
  const width = Math.max(...names.map(([name]) => name.length)) + 2
  return names.map(([name, help]) => `  ${name.padEnd(width)}${help}\n`).join('')
}

function overview(): string {
  const others = Object.entries(COMMANDS).filter(([name]) => !name.includes(' ') && !COMMON.includes(name)).map(([name, { help }]) => [name, help] as const).sort(([a], [b]) => a < b ? -1 : 1)
  return `Usage:  docker [OPTIONS] COMMAND\n\nA self-sufficient runtime for containers\n\nCommon Commands:\n${rows(COMMON.map((name) => [name, COMMANDS[name]!.help] as const))}\nManagement Commands:\n${rows(Object.entries(GROUPS))}\nCommands:\n${rows(others)}\nRun 'docker COMMAND --help' for more information on a command.\n\nFor more help on how to use Docker, head to https://docs.docker.com/go/guides/\n`
}

function groupHelp(group: string): string {
  const commands = Object.entries(COMMANDS).filter(([name]) => name.startsWith(`${group} `)).map(([name, { help }]) => [name.slice(group.length + 1), help] as const).sort(([a], [b]) => a < b ? -1 : 1)
  return `Usage:  docker ${group} COMMAND\n\n${GROUPS[group]}\n\nCommands:\n${rows(commands)}\nRun 'docker ${group} COMMAND --help' for more information on a command.\n`
}
