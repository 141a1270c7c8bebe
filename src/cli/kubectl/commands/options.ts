import { helpWidth, optionsHelp } from '../help.ts'
import { rootCommand } from '../command.ts'
import type { CommandHandler } from './handler.ts'

export const options: CommandHandler = ({ f, out }) => { void out(optionsHelp(rootCommand().persistent, f.proc.env['HOME'] || f.proc.user.home, helpWidth(f.proc))) }
