import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseCommandLine, rootCommand, usageError, UsageError } from '../../src/cli/kubectl/command.ts'
import type { CommandSpec } from '../../src/cli/kubectl/command.ts'
import { findHandler } from '../../src/cli/kubectl/commands/handlers.ts'

/** A flag and a command as the real kubectl v1.36.3 tells them. */
interface RecordedFlag { Name: string; Short: string; Type: string; Default: string; NoOpt: string; Hidden?: boolean }
interface RecordedCommand { Path: string; Use: string; Aliases?: string[]; Flags?: RecordedFlag[]; Persistent?: RecordedFlag[] }

const recorded = fs.readFileSync(path.join(import.meta.dirname, 'commands.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as RecordedCommand)
const wordsOf = (command: RecordedCommand) => command.Path.split(' ').slice(1)
const flagsOf = (command: RecordedCommand) => [...command.Flags ?? [], ...command.Persistent ?? []]
const inherited = (command: RecordedCommand) => recorded.filter((c) => command.Path.startsWith(`${c.Path} `)).flatMap((c) => c.Persistent ?? []).filter((flag) => !flagsOf(command).some((own) => own.Name === flag.Name))

function specOf(command: RecordedCommand): CommandSpec {
  return wordsOf(command).reduce((spec, word) => spec.children.find((c) => c.name === word)!, rootCommand())
}

/** For each type: a text, what it means, a text that is refused and why. Strings take anything. */
const TYPES: Record<string, { text: string; value: unknown; bad?: string; why?: string }> = {
  string: { text: 'some words', value: 'some words' },
  bool: { text: 'T', value: true, bad: 'maybe', why: 'strconv.ParseBool: parsing "maybe": invalid syntax' },
  tristate: { text: 'true', value: 'true', bad: 'maybe', why: 'strconv.ParseBool: parsing "maybe": invalid syntax' },
  int: { text: '0x10', value: 16, bad: '1.5', why: 'strconv.ParseInt: parsing "1.5": invalid syntax' },
  int32: { text: '-7', value: -7, bad: '4294967296', why: 'strconv.ParseInt: parsing "4294967296": value out of range' },
  int64: { text: '1_000', value: 1000, bad: '', why: 'strconv.ParseInt: parsing "": invalid syntax' },
  duration: { text: '1m30s', value: 90_000, bad: '5', why: 'time: missing unit in duration "5"' },
  stringSlice: { text: 'a,"b,c"', value: ['a', 'b,c'] },
  stringArray: { text: 'a,b', value: ['a,b'] },
  stringToString: { text: 'a=b,c=d', value: { a: 'b', c: 'd' }, bad: 'a', why: 'a must be formatted as key=value' },
  mapStringString: { text: 'a=b', value: { a: 'b' }, bad: 'a', why: 'malformed pair, expect string=string' },
}

function read(words: string[], flag: RecordedFlag): unknown {
  const { flags } = parseCommandLine(words)
  switch (flag.Type) {
    case 'bool': return flags.bool(flag.Name)
    case 'int': case 'int32': case 'int64': return flags.int(flag.Name)
    case 'duration': return flags.duration(flag.Name)
    case 'stringSlice': case 'stringArray': return flags.list(flag.Name)
    case 'stringToString': case 'mapStringString': return flags.map(flag.Name)
    default: return flags.str(flag.Name)
  }
}

function defaultOf(flag: RecordedFlag): unknown {
  switch (flag.Type) {
    case 'bool': return flag.Default === 'true'
    case 'int': case 'int32': case 'int64': return Number(flag.Default)
    case 'duration': return { '0s': 0, '20s': 20_000, '30s': 30_000, '1m0s': 60_000 }[flag.Default]
    case 'stringSlice': case 'stringArray': return flag.Default.slice(1, -1).split(',').filter(Boolean)
    case 'stringToString': case 'mapStringString': return {}
    default: return flag.Default
  }
}

const problem = (words: string[]) => {
  try {
    parseCommandLine(words)
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError)
    return (error as Error).message
  }
  return undefined
}

test('there are all commands and no others', () => {
  const paths: string[] = []
  const walk = (spec: CommandSpec) => { paths.push(spec.path); spec.children.forEach(walk) }
  walk(rootCommand())
  expect(paths.sort()).toEqual(recorded.map((c) => c.Path).sort())
})

describe.each(recorded)('$Path', (command) => {
  const words = wordsOf(command)
  const hint = command.Path === 'kubectl diff' ? "See 'kubectl diff -h' for help and examples" : `See '${command.Path} --help' for usage.`

  test('has its usage line and other names', () => {
    const spec = specOf(command)
    expect([spec.use, spec.aliases]).toEqual([command.Use, command.Aliases ?? []])
  })

  test('has no flags but its own and those of its parents', () => {
    const spec = specOf(command)
    expect([...spec.flags, ...spec.persistent].map((f) => f.name).filter((name) => name !== 'help').sort()).toEqual(flagsOf(command).map((f) => f.Name).filter((name) => name !== 'help').sort())
    expect(problem([...words, '--no-such-flag'])).toBe(`unknown flag: --no-such-flag\n${hint}`)
    expect(problem([...words, '-X'])).toBe(`unknown shorthand flag: 'X' in -X\n${hint}`)
  })

  test.each([...flagsOf(command), ...inherited(command)].map((flag) => [flag.Name, flag] as const))('--%s has its type, default and letter', (name, flag) => {
    const type = TYPES[flag.Type]!
    expect(read(words, flag)).toEqual(defaultOf(flag))
    expect(read([...words, `--${name}=${type.text}`], flag)).toEqual(type.value)
    if (flag.Short) expect(read([...words, `-${flag.Short}=${type.text}`], flag)).toEqual(type.value)
    // A flag that may stand alone doesn't take the next word.
    if (flag.NoOpt) expect(parseCommandLine([...words, `--${name}`, 'word']).args).toEqual(['word'])
    else {
      expect(read([...words, `--${name}`, type.text], flag)).toEqual(type.value)
      expect(problem([...words, `--${name}`])).toBe(`flag needs an argument: --${name}\n${hint}`)
    }
    if (type.bad === undefined) return
    const shown = flag.Short ? `-${flag.Short}, --${name}` : `--${name}`
    expect(problem([...words, `--${name}=${type.bad}`])).toBe(`invalid argument ${JSON.stringify(type.bad)} for "${shown}" flag: ${type.why}\n${hint}`)
  })

  if (!recorded.some((c) => c.Path.startsWith(`${command.Path} `)) && command.Path !== 'kubectl alpha') test('does something', async () => {
    expect(await findHandler(command.Path)).toBeTypeOf('function')
  })
})

test('a command points to its help', () => {
  expect(usageError(specOf(recorded.find((c) => c.Path === 'kubectl rollout')!), 'no').message).toBe("no\nSee 'kubectl rollout -h' for help and examples")
})
