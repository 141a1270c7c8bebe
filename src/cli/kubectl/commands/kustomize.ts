import { unixText } from '../factory.ts'
import { buildKustomization } from '../kustomize/build.ts'
import type { CommandHandler } from './handler.ts'

// k8s: kubectl/pkg/cmd/kustomize
export const kustomize: CommandHandler = async ({ f, flags, args, out }) => {
  if (args.length > 1) throw new Error('specify one path to kustomization.yaml')
  const restrictor = flags.str('load-restrictor')
  if (!['LoadRestrictionsRootOnly', 'LoadRestrictionsNone'].includes(restrictor)) throw new Error(`illegal flag value --load-restrictor ${restrictor}; legal values: [LoadRestrictionsRootOnly LoadRestrictionsNone]`)
  const reorder = flags.str('reorder')
  if (reorder !== 'legacy' && reorder !== 'none') throw new Error(`illegal flag value --reorder ${reorder}; legal values: [legacy none]`)
  const text = await buildKustomization(f, args[0] ?? '.', { reorder, anyPath: restrictor === 'LoadRestrictionsNone', helm: flags.bool('enable-helm') })
  const target = flags.str('output')
  if (!target) { void out(text); return }
  const { fs } = f.proc
  const absolute = f.proc.resolve(target)
  if (fs.exists(absolute) && fs.stat(absolute).type === 'directory') {
    for (const document of text.split(/^---\n/m)) {
      const field = (pattern: RegExp) => (pattern.exec(document)?.[1] ?? '').trim()
      const name = `${field(/^apiVersion: (.*)$/m).replaceAll('/', '_')}_${field(/^kind: (.*)$/m)}_${field(/^metadata:[\s\S]*?^ {2}name: (.*)$/m)}.yaml`.toLowerCase()
      fs.writeFile(`${absolute}/${name}`, document)
    }
    return
  }
  if (target.endsWith('/')) throw new Error(`open ${target}: is a directory`)
  try {
    fs.writeFile(absolute, text)
  } catch (error) {
    throw new Error(`open ${target}: ${unixText(error)}`)
  }
}
