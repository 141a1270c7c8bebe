import type { Program, Tty } from '../unix/types.ts'

/** Opens the page's editor for a file; resolves with the exit code when the learner is done. */
export type OpenEditor = (tty: Tty, file: { path: string; line?: number }, gone: AbortSignal) => Promise<number>

/** `edit [+LINE] FILE`: the page's editor as a program, for the learner and for `kubectl edit`. Waits until the file is closed there. */
export function pageEditor(openEditor: OpenEditor): Program {
  return async (proc) => {
    const name = proc.argv[0]!.split('/').pop()!
    const lineArgument = proc.argv.find((argument, i) => i > 0 && /^\+\d+$/.test(argument))
    const files = proc.argv.slice(1).filter((argument) => argument !== lineArgument && argument !== '--')
    if (files.length !== 1) {
      await proc.stderr.write(`usage: ${name} [+LINE] FILE\n`)
      return 2
    }
    if (!proc.tty) {
      await proc.stderr.write(`${name}: standard input is not a terminal\n`)
      return 1
    }
    const path = proc.resolve(files[0]!)
    if (proc.fs.exists(path) && proc.fs.stat(path).type !== 'file') {
      await proc.stderr.write(`${name}: ${files[0]}: not a file\n`)
      return 1
    }
    await proc.stdout.write('\x1b[90mThe file is open in the editor. Close it there, or press Ctrl+C here.\x1b[0m\n')
    return openEditor(proc.tty, { path, ...(lineArgument ? { line: Number(lineArgument.slice(1)) } : {}) }, proc.killed)
  }
}
