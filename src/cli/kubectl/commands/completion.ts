import { completionScript } from '../../completion-script.ts'
import { usageError } from '../command.ts'
import type { CommandHandler } from './handler.ts'

export const completion: CommandHandler = ({ args, out, spec }) => {
  if (args.length === 0) throw usageError(spec, 'Shell not specified.')
  if (args.length > 1) throw usageError(spec, 'Too many arguments. Expected only the shell type.')
  const script = completionScript('kubectl', args[0]!)
  if (!script) throw usageError(spec, `Unsupported shell type ${JSON.stringify(args[0])}.`)
  void out(script)
}
