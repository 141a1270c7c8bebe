import type { Program } from '../types.ts'
import { baseName } from '../path.ts'
import { FullScreen } from './full-screen.ts'
import { ViEditor } from './vi-editor.ts'

/** `vi`, `vim`, `view`: Vim as people use it for manifests. */
// @k8s part: vi: folds, windows, mappings and Vim script are missing
export const vi: Program = async (proc) => {
  const { tty } = proc
  if (!tty || !proc.isTty(0) || !proc.isTty(1)) {
    await proc.stderr.write('Vim: Warning: Output is not to a terminal\n')
    return 1
  }
  let readOnly = /view$/.test(baseName(proc.argv[0]!))
  const files: string[] = []
  const commands: string[] = []
  for (let i = 1; i < proc.argv.length; i++) {
    const arg = proc.argv[i]!
    if (arg === '--') { files.push(...proc.argv.slice(i + 1)); break }
    if (arg === '--version') { await proc.stdout.write('VIM - Vi IMproved 9.1 (small, of the little Unix of Drydock)\n'); return 0 }
    if (arg === '-R' || arg === '-M') readOnly = true
    else if (arg === '-c') commands.push(proc.argv[++i] ?? '')
    else if (arg.startsWith('+')) commands.push(arg.slice(1) || '$')
    else if (/^-[a-zA-Z]/.test(arg)) { if (/^-[uiTsw]$/.test(arg)) i += 1 } else files.push(arg)
  }
  const screen = new FullScreen(proc, tty)
  const editor = new ViEditor(proc, screen, files, readOnly)
  await screen.enter()
  try {
    return await editor.run(commands)
  } finally {
    await screen.leave()
  }
}
