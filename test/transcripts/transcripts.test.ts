import fs from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { startLab } from '../lab.ts'
import type { Lab } from '../lab.ts'
// @ts-expect-error plain JavaScript
import { comparable, parse } from './transcript.mjs'

/** Terminal sessions recorded with the real kubectl on a real cluster, typed into the learner's terminal of a fresh one. */
const folder = import.meta.dirname
/** Files that don't pass yet, each with what it waits for. One that passes must leave the list. */
const pending = JSON.parse(fs.readFileSync(path.join(folder, 'pending.json'), 'utf8')) as Record<string, string>
const lines = (text: string) => text === '' ? [] : text.replace(/\n$/, '').split('\n')

let lab: Lab | undefined
afterEach(async () => {
  await lab?.stop()
  lab = undefined
})

/** The first thing that differs, or undefined. */
async function replay(file: string): Promise<string | undefined> {
  const transcript = parse(fs.readFileSync(path.join(folder, file), 'utf8'))
  lab = await startLab(`transcript ${file}`)
  for (const [name, text] of Object.entries(transcript.files as Record<string, string>)) lab.writeFile(name, text)
  // The recordings found kubectl there.
  await lab.run('mkdir .bin; ln -s $(command -v kubectl) .bin/kubectl')
  lab.writeFile('.kubeconfig', lab.cluster.adminKubeconfig('https://127.0.0.1:6443'))
  for (const step of transcript.steps) {
    const result = await lab.run(step.cmd, { withinMs: 120_000, env: { KUBECONFIG: '/home/learner/.kubeconfig' } })
    if (step.kind === '@') {
      if (result.code !== 0) return `@ ${step.cmd}\n    exit ${result.code}: ${(result.stderr || result.stdout).slice(0, 400)}`
      continue
    }
    const clean = (l: string) => l.replaceAll('/home/learner/', '').replaceAll('/home/learner', '.')
    for (const [what, want, got] of [
      ['stdout', comparable(step.out, step.sort, step.cmd), comparable(lines(result.stdout).map(clean), step.sort, step.cmd)],
      ['stderr', comparable(step.err, true), comparable(lines(result.stderr).map(clean), true)],
      ['exit code', [String(step.exit)], [String(result.code)]],
    ] as [string, string[], string[]][]) {
      const i = [...Array(Math.max(want.length, got.length)).keys()].find((i) => want[i] !== got[i])
      if (i !== undefined) return `$ ${step.cmd}\n    ${what}, line ${i + 1}\n    want: ${want[i] ?? '(nothing)'}\n    got:  ${got[i] ?? '(nothing)'}`
    }
  }
  return undefined
}

describe('recorded terminal sessions', () => {
  for (const file of fs.readdirSync(folder).filter((f) => f.endsWith('.txt'))) {
    const name = file.replace(/\.txt$/, '')
    const reason = pending[name]
    if (reason === undefined) test(name, async () => { const found = await replay(file); if (found) throw new Error(found) }, 60_000)
    else test(`${name} (pending: ${reason})`, async () => { expect(await replay(file).catch((error: Error) => error.message), 'it passes now: take it off the list').toBeDefined() }, 60_000)
  }
})
