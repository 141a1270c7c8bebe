import { directoryName } from '../../../unix/path.ts'
import type { Program } from '../../../unix/types.ts'
import { formatDate } from '../../../unix/utilities/date.ts'

const LOG_FILE = '/log/app.log'
const USERS = ['USER1', 'USER2', 'USER3', 'USER4']
const ACTIONS = ['logged in', 'logged out', 'is viewing page1', 'is viewing page2', 'is viewing page3']
/** Every fifth event is preceded by a failed login, every eighth by a failed order. */
const LOGIN_EVERY = 5
const ORDER_EVERY = 8

/** kodekloud/event-simulator: what users do in a shop, a line a second, on standard output, or in a file with `LOG_HANDLERS=file`. */
export const eventSimulator: Program = async (proc) => {
  const buyer = proc.env.OVERRIDE_USER || 'USER7'
  const handlers = (proc.env.LOG_HANDLERS || 'stdout').split(',')
  const log = async (level: 'INFO' | 'WARNING', text: string): Promise<void> => {
    const nowMs = proc.clock.nowMs()
    const line = `[${formatDate('%Y-%m-%d %H:%M:%S', nowMs)},${String(Math.floor(nowMs % 1000)).padStart(3, '0')}] ${level} in event-simulator: ${text}\n`
    if (handlers.includes('file')) proc.fs.writeFile(LOG_FILE, line, { append: true })
    if (handlers.includes('stdout')) await proc.stdout.write(line)
  }
  if (handlers.includes('file') && !proc.fs.exists(directoryName(LOG_FILE))) proc.fs.mkdir(directoryName(LOG_FILE), { recursive: true })
  for (let count = 1; ; count++) {
    if (count % LOGIN_EVERY === 0) await log('WARNING', 'USER5 Failed to Login as the account is locked due to MANY FAILED ATTEMPTS.')
    if (count % ORDER_EVERY === 0) await log('WARNING', `${buyer} Order failed as the item is OUT OF STOCK.`)
    await log('INFO', `${proc.random.pick(USERS)} ${proc.random.pick(ACTIONS)}`)
    await proc.sleep(1000)
  }
}
