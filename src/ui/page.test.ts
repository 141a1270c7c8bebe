import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { de } from './messages/de.ts'
import { en } from './messages/en.ts'

const css = fs.readFileSync(path.join(import.meta.dirname, 'page.css'), 'utf8')
/** The colours of a theme: one, or a pair of which light comes first. */
const palette = (at: 0 | 1) => Object.fromEntries([...css.matchAll(/--([\w-]+): (?:light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)|(#[0-9a-f]{6}));/g)].map(([, name, first, second, both]) => [name!, (both ?? (at === 0 ? first : second))!]))
const light = palette(0)
const dark = palette(1)

/** WCAG 2: relative luminance and contrast ratio. */
function contrast(a: string, b: string): number {
  const luminance = (color: string) => {
    const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16) / 255).map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!
  }
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x)
  return (high! + 0.05) / (low! + 0.05)
}

for (const [name, colors] of [['light', light], ['dark', dark]] as const) {
  describe(`the ${name} palette`, () => {
    for (const [text, grounds] of [
      ['ink', ['paper', 'surface', 'raised', 'sunken', 'good-soft', 'bad-soft', 'waiting-soft', 'accent-soft']],
      ['ink-soft', ['paper', 'surface', 'raised', 'sunken', 'good-soft', 'bad-soft', 'waiting-soft']],
      ['accent', ['paper', 'surface', 'raised']],
      ['lead', ['surface', 'raised']],
      ['good', ['surface', 'raised', 'good-soft']],
      ['bad', ['surface', 'raised', 'bad-soft']],
      ['waiting', ['surface', 'raised', 'waiting-soft']],
      ['on-accent', ['accent']],
      ['hull-ink', ['hull']],
      ['hull-soft', ['hull']],
    ] as const) for (const ground of grounds) test(`${text} can be read on ${ground}`, () => { expect(contrast(colors[text]!, colors[ground]!)).toBeGreaterThanOrEqual(4.5) })
  })
}

test('translations fill the same places', () => {
  const places = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).sort()
  for (const key of Object.keys(en) as (keyof typeof en)[]) expect(places(de[key]), key).toEqual(places(en[key]))
})

test('the page takes types of the lessons\' parser and nothing else: the build has read the lessons, and YAML\'s library is 30 kB', () => {
  const files = fs.readdirSync(import.meta.dirname).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  expect(files.filter((name) => /^import (?!type ).*\/lessons\/(?:lesson|goal)\.ts'/m.test(fs.readFileSync(path.join(import.meta.dirname, name), 'utf8')))).toEqual([])
})
