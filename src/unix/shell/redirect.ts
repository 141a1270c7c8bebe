import { errno } from '../errno.ts'
import { readerOf } from '../../base/streams.ts'
import { UnixError } from '../types.ts'
import type { Redirect } from './ast.ts'
import { Description, fileDescription } from './descriptors.ts'
import { expandString, expandWords } from './expand.ts'
import { ShellError } from './shell-errors.ts'
import type { Shell } from './shell.ts'

/** Opens what redirections name, in order, in the shell's current descriptors. @throws UnixError, ShellError */
export async function applyRedirects(shell: Shell, redirects: readonly Redirect[]): Promise<void> {
  for (const redirect of redirects) await applyRedirect(shell, redirect)
}

async function applyRedirect(shell: Shell, redirect: Redirect): Promise<void> {
  const { descriptors } = shell.state
  const { operator } = redirect
  const isInput = operator[0] === '<'
  const fd = redirect.fd ?? (isInput ? 0 : 1)
  if (operator === '<<') {
    descriptors.set(fd, new Description({ reader: readerOf(await expandString(shell, redirect.body!, {})) }))
    return
  }
  if (operator === '<<<') {
    descriptors.set(fd, new Description({ reader: readerOf(`${await expandString(shell, redirect.target)}\n`) }))
    return
  }
  const target = await targetOf(shell, redirect)
  if (operator === '<&' || operator === '>&') {
    if (target === '-') { descriptors.set(fd, undefined); return }
    const move = /^(\d+)-$/.exec(target)
    if (/^\d+$/.test(target) || move) {
      const source = descriptors.get(Number(move?.[1] ?? target))
      if (!source) throw new ShellError(shell.flavour === 'dash' ? `${target}: Bad file descriptor` : `${target}: Bad file descriptor`, 2)
      if (Number(move?.[1] ?? target) !== fd) descriptors.set(fd, source.retain())
      if (move) descriptors.set(Number(move[1]), undefined)
      return
    }
    if (operator === '<&' || redirect.fd !== undefined) throw new ShellError('Bad fd number', 2)
    // csh style: both streams.
    const both = open(shell, target, 'w')
    descriptors.set(1, both)
    descriptors.set(2, both.retain())
    return
  }
  if (operator === '&>' || operator === '&>>') {
    const both = open(shell, target, operator === '&>' ? 'w' : 'a')
    descriptors.set(1, both)
    descriptors.set(2, both.retain())
    return
  }
  if (operator === '>' && shell.options.has('noclobber') && isPlainFile(shell, target)) throw new UnixError('EEXIST', shell.isBash ? `${target}: cannot overwrite existing file` : `cannot create ${target}: File exists`)
  descriptors.set(fd, open(shell, target, operator === '<' ? 'r' : operator === '>>' ? 'a' : operator === '<>' ? 'r+' : 'w'))
}

async function targetOf(shell: Shell, redirect: Redirect): Promise<string> {
  if (!shell.isBash) return expandString(shell, redirect.target)
  const words = await expandWords(shell, [redirect.target])
  if (words.length !== 1) throw new ShellError(`${redirect.target.text}: ambiguous redirect`, 1)
  return words[0]!
}

function open(shell: Shell, target: string, flags: 'r' | 'w' | 'a' | 'r+'): Description {
  const { proc } = shell
  // Duplicates of the shell's own streams, whatever they lead to at the moment.
  const own = /^\/dev\/(?:fd\/(\d+)|(stdin|stdout|stderr))$/.exec(target)
  const number = own ? own[1] !== undefined ? Number(own[1]) : ['stdin', 'stdout', 'stderr'].indexOf(own[2]!) : -1
  const existing = number >= 0 ? shell.state.descriptors.get(number) : undefined
  if (existing) return existing.retain()
  try {
    if (target === '') throw errno('ENOENT')
    const path = proc.resolve(target) + (target.endsWith('/') && target !== '/' ? '/' : '')
    if (flags === 'r+' && !proc.fs.exists(path)) proc.fs.writeFile(path, '')
    return fileDescription(proc.fs.open(path, flags), flags === 'r' ? 'read' : flags === 'r+' ? 'both' : 'write')
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    throw new UnixError(error.code, shell.isBash ? `${target}: ${errno(error.code).message}` : `${describe(shell, flags)} ${target}: ${flags !== 'r' && error.code === 'ENOENT' ? (shell.flavour === 'ash' ? 'nonexistent directory' : 'Directory nonexistent') : error.code === 'ENOENT' ? (shell.flavour === 'ash' ? 'no such file' : 'No such file') : errno(error.code).message}`)
  }
}

function describe(shell: Shell, flags: string): string {
  return shell.flavour === 'ash' ? `can't ${flags === 'r' ? 'open' : 'create'}` : `cannot ${flags === 'r' ? 'open' : 'create'}`
}

function isPlainFile(shell: Shell, target: string): boolean {
  try { return shell.proc.fs.stat(shell.proc.resolve(target)).type === 'file' } catch { return false }
}
