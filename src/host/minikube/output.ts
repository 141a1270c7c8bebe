import type { Proc } from '../../unix/types.ts'
import { parseBool } from '../../cli/kubectl/flags.ts'

/** What a line is about, by minikube's names. */
export type Style = 'Happy' | 'Sparkle' | 'Notice' | 'ThumbsUp' | 'Pulling' | 'StartingVM' | 'Restarting' | 'Running' | 'Containerd' | 'CRI-O' | 'CNI' | 'HealthCheck' | 'SubStep' | 'AddonEnable' | 'AddonDisable' | 'Ready' | 'Stopping' | 'Shutdown' | 'Stopped'
  | 'DeletingHost' | 'Deleted' | 'Meh' | 'Shrug' | 'Workaround' | 'Failure' | 'Fatal' | 'Warning' | 'Tip' | 'Sad' | 'Celebrate' | 'Success' | 'Empty' | 'Embarrassed' | 'Enabling' | 'Verifying' | 'Launch'

const BULLET = '* '
const WARNING = '! '
const ERROR = 'X '
const INDENT = '  - '

/** minikube: pkg/minikube/style */
const PREFIXES: Readonly<Record<Style, readonly [prefix: string, plain: string]>> = {
  Happy: ['😄  ', BULLET], Sparkle: ['✨  ', BULLET], Notice: ['📌  ', BULLET], ThumbsUp: ['👍  ', BULLET], Pulling: ['🚜  ', BULLET], StartingVM: ['🔥  ', BULLET], Restarting: ['🔄  ', BULLET], Running: ['🏃  ', BULLET], Containerd: ['📦  ', BULLET], 'CRI-O': ['🎁  ', BULLET], CNI: ['🔗  ', BULLET],
  HealthCheck: ['🔎  ', BULLET], SubStep: ['    ▪ ', INDENT], AddonEnable: ['🌟  ', BULLET], AddonDisable: ['🌑  ', BULLET], Ready: ['🏄  ', BULLET], Stopping: ['✋  ', BULLET], Shutdown: ['🛑  ', BULLET], Stopped: ['🛑  ', BULLET], DeletingHost: ['🔥  ', BULLET],
  Deleted: ['💀  ', BULLET], Meh: ['🙄  ', WARNING], Shrug: ['🤷  ', BULLET], Workaround: ['👉  ', '  '], Failure: ['❌  ', ERROR], Fatal: ['💣  ', ERROR], Warning: ['❗  ', WARNING], Tip: ['💡  ', BULLET], Sad: ['😿  ', BULLET], Celebrate: ['🎉  ', BULLET], Success: ['✅  ', BULLET], Empty: ['', ''],
  Embarrassed: ['🤦  ', WARNING], Enabling: ['🔌  ', BULLET], Verifying: ['🤔  ', BULLET], Launch: ['🚀  ', BULLET],
}

/** An end with a reason of minikube's. */
export class MinikubeExit extends Error {
  readonly code: number
  readonly reason: string
  constructor(reason: string, message: string, code: number) {
    super(message)
    this.reason = reason
    this.code = code
  }
}

/** minikube: reason.Usage */
export const usageExit = (message: string): MinikubeExit => new MinikubeExit('MK_USAGE', message, 14)
/** What minikube could do and this can't. minikube: reason.Unimplemented */
export const unavailable = (what: string): MinikubeExit => new MinikubeExit('MK_UNIMPLEMENTED', `${what} is not available in Drydock`, 69)

/** What --output asks for. @throws MinikubeExit for what isn't one of `formats` */
export function outputFormat(wanted: string, formats: readonly string[]): string {
  const format = wanted.toLowerCase()
  if (!formats.includes(format)) throw usageExit(`invalid output format: ${wanted}. Valid values: ${formats.map((each) => `'${each}'`).join(', ')}`)
  return format
}

/** minikube's lines: with pictures on a terminal that has colours, plain otherwise. minikube: pkg/minikube/out */
export class Output {
  readonly #proc: Proc

  constructor(proc: Proc) {
    this.#proc = proc
  }

  /** A line on standard output. */
  step(style: Style, text: string): Promise<void> {
    return this.#proc.stdout.write(`${PREFIXES[style][this.#hasPictures(1) ? 0 : 1]}${text}\n`)
  }

  /** A line on standard error. */
  complain(style: Style, text: string): Promise<void> {
    return this.#proc.stderr.write(`${PREFIXES[style][this.#hasPictures(2) ? 0 : 1]}${text}\n`)
  }

  /** A line without a mark. */
  line(text: string): Promise<void> {
    return this.#proc.stdout.write(`${text}\n`)
  }

  get hasColours(): boolean {
    return this.#hasPictures(1)
  }

  #hasPictures(stream: 1 | 2): boolean {
    const { env } = this.#proc
    try {
      if (env['MINIKUBE_IN_STYLE']) return parseBool(env['MINIKUBE_IN_STYLE'])
    } catch { /* what it can't be isn't counted */ }
    if (!env['TERM']?.includes('color') && !/truecolor|24bit|yes/.test(env['COLORTERM'] ?? '')) return false
    return this.#proc.isTty(stream)
  }
}

/** A table with a frame. olekukonko/tablewriter */
export function framedTable(head: readonly string[], rows: readonly (readonly string[])[], options: { upperCase: boolean }): string {
  const titles = options.upperCase ? head.map((text) => text.toUpperCase()) : head
  const lines = (cell: string) => cell.split('\n')
  const widthOf = (text: string) => [...text.replace(/\u001b\[[0-9;]*m/g, '')].reduce((sum, char) => sum + (char === '✅' ? 2 : 1), 0)
  const widths = titles.map((title, column) => Math.max(widthOf(title), ...rows.flatMap((row) => lines(row[column] ?? '').map(widthOf))))
  const rule = (left: string, middle: string, right: string) => `${left}${widths.map((width) => '─'.repeat(width + 2)).join(middle)}${right}\n`
  const centred = (text: string, width: number) => { const gap = width - widthOf(text); return `${' '.repeat(Math.floor(gap / 2))}${text}${' '.repeat(Math.ceil(gap / 2))}` }
  const row = (cells: readonly string[], fill: (text: string, width: number) => string) => `│${cells.map((cell, column) => ` ${fill(cell, widths[column]!)} `).join('│')}│\n`
  const left = (text: string, width: number) => `${text}${' '.repeat(width - widthOf(text))}`
  const body = rows.map((cells) => {
    const height = Math.max(...cells.map((cell) => lines(cell).length))
    return Array.from({ length: height }, (_, at) => row(cells.map((cell) => lines(cell)[at] ?? ''), left)).join('')
  })
  return `${rule('┌', '┬', '┐')}${row(titles, centred)}${rule('├', '┼', '┤')}${body.join('')}${rule('└', '┴', '┘')}`
}
