import { createPipe, readAll } from '../base/streams.ts'
import { emptyReader } from '../unix/input.ts'
import type { Proc, Program } from '../unix/types.ts'

/** What kubectl says to a command, and how it ended. */
async function ask(proc: Proc, ...args: string[]): Promise<{ text: string; code: number }> {
  const out = createPipe(1 << 20)
  const child = proc.spawn(['kubectl', ...args], { stdin: emptyReader, stdout: out.writer, stderr: proc.stderr })
  const text = readAll(out.reader)
  const { code } = await child.wait()
  out.writer.close()
  return { text: new TextDecoder().decode(await text), code }
}

const linesOf = (text: string) => text.split('\n').filter((line) => line !== '')

/** Where the choice of before is kept, for `-`. */
const memoryOf = (proc: Proc, name: string) => `${proc.env.HOME ?? ''}/.kube/${name}`

function remember(proc: Proc, name: string, value: string): void {
  const path = memoryOf(proc, name)
  proc.fs.mkdir(path.slice(0, path.lastIndexOf('/')), { recursive: true })
  proc.fs.writeFile(path, value)
}

function remembered(proc: Proc, name: string): string | undefined {
  const path = memoryOf(proc, name)
  return proc.fs.exists(path) ? proc.fs.readText(path).trim() : undefined
}

/** Names, the current one standing out where somebody looks. */
const listed = (proc: Proc, names: readonly string[], current: string) => names.map((name) => name === current && proc.isTty(1) ? `\x1b[33;1m${name}\x1b[0m\n` : `${name}\n`).join('')

/** `kubectx [NAME | -]`, `-c`, `-d NAME`, `NEW=OLD`: contexts. */
// @k8s part: kubectx and kubens: the menu of fzf, -u and --shell are missing
export const kubectx: Program = async (proc) => {
  const [arg, ...more] = proc.argv.slice(1)
  if (arg === '-h' || arg === '--help') { await proc.stdout.write('USAGE:\n  kubectx                       : list the contexts\n  kubectx <NAME>                : switch to context <NAME>\n  kubectx -                     : switch to the previous context\n  kubectx -c, --current         : show the current context name\n  kubectx <NEW_NAME>=<NAME>     : rename context <NAME> to <NEW_NAME>\n  kubectx -d <NAME>             : delete context <NAME>\n'); return 0 }
  const current = (await ask(proc, 'config', 'view', '-o', 'jsonpath={.current-context}')).text
  if (arg === undefined) {
    const { text, code } = await ask(proc, 'config', 'get-contexts', '-o', 'name')
    await proc.stdout.write(listed(proc, linesOf(text), current))
    return code
  }
  if (arg === '-c' || arg === '--current') {
    if (current === '') { await proc.stderr.write('error: current-context is not set\n'); return 1 }
    await proc.stdout.write(`${current}\n`)
    return 0
  }
  if (arg === '-d') {
    for (const name of more) {
      const { code } = await ask(proc, 'config', 'delete-context', name)
      if (code !== 0) return code
      await proc.stderr.write(`Deleted context ${name}.\n`)
    }
    return more.length > 0 ? 0 : 1
  }
  if (arg.startsWith('-') && arg !== '-') { await proc.stderr.write(`error: unsupported option ${JSON.stringify(arg)}\n`); return 1 }
  if (arg.includes('=')) {
    const [to, from] = arg.split(/=(.*)/s)
    const { code } = await ask(proc, 'config', 'rename-context', from === '.' ? current : from!, to!)
    if (code === 0) await proc.stderr.write(`Context "${from === '.' ? current : from}" renamed to "${to}".\n`)
    return code
  }
  const name = arg === '-' ? remembered(proc, 'kubectx') : arg
  if (name === undefined) { await proc.stderr.write('error: no previous context found\n'); return 1 }
  const names = linesOf((await ask(proc, 'config', 'get-contexts', '-o', 'name')).text)
  if (!names.includes(name)) { await proc.stderr.write(`error: no context exists with the name: "${name}"\n`); return 1 }
  const { code } = await ask(proc, 'config', 'use-context', name)
  if (code !== 0) return code
  if (name !== current) remember(proc, 'kubectx', current)
  await proc.stderr.write(`Switched to context "${name}".\n`)
  return 0
}

/** `kubens [NAME | -]`, `-c`: the namespace of the current context. */
export const kubens: Program = async (proc) => {
  const [arg] = proc.argv.slice(1)
  if (arg === '-h' || arg === '--help') { await proc.stdout.write('USAGE:\n  kubens                    : list the namespaces in the current context\n  kubens <NAME>             : change the active namespace of current context\n  kubens -                  : switch to the previous namespace in this context\n  kubens -c, --current      : show the current namespace\n'); return 0 }
  const context = (await ask(proc, 'config', 'view', '-o', 'jsonpath={.current-context}')).text
  if (context === '') { await proc.stderr.write('error: current-context is not set\n'); return 1 }
  const current = (await ask(proc, 'config', 'view', '--minify', '-o', 'jsonpath={..namespace}')).text || 'default'
  if (arg === '-c' || arg === '--current') { await proc.stdout.write(`${current}\n`); return 0 }
  if (arg !== undefined && arg.startsWith('-') && arg !== '-') { await proc.stderr.write(`error: unsupported option ${JSON.stringify(arg)}\n`); return 1 }
  const memory = `kubens/${context.replace(/[/\\]/g, '_')}`
  const name = arg === '-' ? remembered(proc, memory) : arg
  if (arg === '-' && name === undefined) { await proc.stderr.write('error: No previous namespace found for current context\n'); return 1 }
  const { text, code } = await ask(proc, 'get', 'namespaces', '-o', 'name')
  if (code !== 0) return code
  const names = linesOf(text).map((line) => line.replace('namespace/', ''))
  if (name === undefined) { await proc.stdout.write(listed(proc, names, current)); return 0 }
  if (!names.includes(name)) { await proc.stderr.write(`error: no namespace exists with name "${name}"\n`); return 1 }
  const { code: changed } = await ask(proc, 'config', 'set-context', '--current', `--namespace=${name}`)
  if (changed !== 0) return changed
  if (name !== current) remember(proc, memory, current)
  await proc.stderr.write(`Active namespace is "${name}".\n`)
  return 0
}
