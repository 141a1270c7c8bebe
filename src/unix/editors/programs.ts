import { lazyProgram } from '../lazy-program.ts'
import type { Program } from '../types.ts'

/** vi, vim and view. */
export const vi = lazyProgram(async () => (await import('./vi.ts')).vi)
const less = lazyProgram(async () => (await import('./less.ts')).less)
const nano = lazyProgram(async () => (await import('./nano.ts')).nano)

/** The editors of a computer by path; their code is loaded on first use. */
export const editorPrograms: Readonly<Record<string, Program>> = { '/usr/bin/vi': vi, '/usr/bin/vim': vi, '/usr/bin/view': vi, '/usr/bin/nano': nano }

/** What shows texts page by page. */
export const pagerPrograms: Readonly<Record<string, Program>> = { '/usr/bin/less': less, '/usr/bin/more': less }
