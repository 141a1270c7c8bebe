import { describe, expect, test } from 'vitest'
import { rootCommand } from './command.ts'
import type { CommandSpec } from './command.ts'
import { flagUsage, longHelp, shortHelp } from './help-texts.ts'
import { helpText } from './help.ts'
import { wordWrap } from './word-wrap.ts'

const all = (spec: CommandSpec): CommandSpec[] => [spec, ...spec.children.flatMap(all)]
const commands = all(rootCommand())

describe('the help of each command', () => {
  test('says what the command and each of its flags does', () => {
    expect(commands.filter((spec) => spec !== rootCommand() && !shortHelp(spec.path)).map(({ path }) => path)).toEqual([])
    const mute = commands.flatMap((spec) => [...spec.flags, ...spec.persistent].filter((flag) => !flag.hidden && !flagUsage(spec.path, flag.name)).map((flag) => `${spec.path} --${flag.name}`))
    expect(mute).toEqual([])
  })

  test('has examples where the real one has some', () => {
    const groups = ['kubectl', 'kubectl alpha', 'kubectl options', ...commands.filter(({ children }) => children.length > 0).map(({ path }) => path)]
    const withExamples = ['kubectl apply', 'kubectl create', 'kubectl cluster-info', 'kubectl kuberc', 'kubectl plugin', 'kubectl rollout']
    const without = commands.filter((spec) => longHelp(spec.path).examples.length === 0).map(({ path }) => path)
    expect(without.filter((path) => !groups.includes(path) || withExamples.includes(path))).toEqual([])
    expect(commands.flatMap((spec) => longHelp(spec.path).examples).filter((line) => line.includes('undefined'))).toEqual([])
  })

  test('is wrapped to the width of the terminal', () => {
    const get = commands.find(({ path }) => path === 'kubectl get')!
    expect(helpText(get).split('\n').some((line) => line.length > 200)).toBe(true)
    const narrow = helpText(get, 80).split('\n')
    expect(narrow.filter((line) => line.length > 80).every((line) => !line.trim().includes(' '))).toBe(true)
    expect(narrow).toContain('    -A, --all-namespaces=false:')
  })
})

test('lines break between words, and only there', () => {
  expect(wordWrap('one two  three\n  four five', 9)).toBe('one two\nthree\n  four\nfive')
  expect(wordWrap('a verylongwordindeed b', 8)).toBe('a\nverylongwordindeed\nb')
  expect(wordWrap('end   \nnext', 4)).toBe('end\nnext')
})
