import type { Program } from './types.ts'

const marked = new WeakSet<Program>()

/** A program whose file belongs to root and has the set-user-ID bit: whoever runs it is root while it runs (su, sudo). */
export function setUserId(program: Program): Program {
  marked.add(program)
  return program
}

/** The permission bits that a program's file is installed with. */
export function programMode(program: Program): number {
  return marked.has(program) ? 0o4755 : 0o755
}
