import { decodeBase64 } from '../factory.ts'
import { printLabelsAndAnnotations, printTitle } from './describer.ts'
import type { Describer } from './describer.ts'
import { sortedKeys } from './writer.ts'

export const configMap: Describer = (o, w) => {
  printTitle(w, o)
  printLabelsAndAnnotations(w, o)
  w.write(0, '\nData\n====\n')
  for (const key of sortedKeys(o.data)) w.write(0, `${key}:\n----\n${o.data[key]}\n\n`)
  w.write(0, '\nBinaryData\n====\n')
  for (const key of sortedKeys(o.binaryData)) w.write(0, `${key}: ${atob(o.binaryData[key]).length} bytes\n`)
  w.write(0, '\n')
}

export const secret: Describer = (o, w) => {
  printTitle(w, o)
  printLabelsAndAnnotations(w, o)
  w.write(0, `\nType:\t${o.type ?? ''}\n`)
  w.write(0, '\nData\n====\n')
  for (const key of sortedKeys(o.data))
    w.line(0, key === 'token' && o.type === 'kubernetes.io/service-account-token' ? `${key}:\t${decodeBase64(o.data[key])}` : `${key}:\t${atob(o.data[key]).length} bytes`)
  return false
}

export const serviceAccount: Describer = (o, w) => {
  printTitle(w, o)
  printLabelsAndAnnotations(w, o)
  const names = (o.imagePullSecrets ?? []).map((s: any) => s.name)
  if (names.length === 0) w.line(0, 'Image pull secrets:\t<none>')
  names.forEach((name: string, i: number) => w.line(0, `${i === 0 ? 'Image pull secrets:' : '                   '}\t${name}`))
}
