import { buildKustomization } from '../kustomize.ts'
import type { CommandHandler } from './handler.ts'

export const kustomize: CommandHandler = async ({ f, flags, args, out }) => {
  if (args.length > 1) throw new Error('specify one path to kustomization.yaml')
  const text = await buildKustomization(f, args[0] ?? '.')
  const target = flags.str('output')
  if (target) f.proc.fs.writeFile(f.proc.resolve(target), text)
  else void out(text)
}
