import type { Proc, Process, Program } from '../../../unix/types.ts'
import { alpine } from '../alpine.ts'
import { defineImage } from '../image.ts'
import { spin, touchMemory } from './hogs.ts'

const VERSION = '1.0.4'
const HELP = `\`stress' imposes certain types of compute stress on your system

Usage: stress [OPTION [ARG]] ...
 -?, --help         show this help statement
     --version      show version statement
 -v, --verbose      be verbose
 -q, --quiet        be quiet
 -n, --dry-run      show what would have been done
 -t, --timeout N    timeout after N seconds
     --backoff N    wait factor of N microseconds before work starts
 -c, --cpu N        spawn N workers spinning on sqrt()
 -i, --io N         spawn N workers spinning on sync()
 -m, --vm N         spawn N workers spinning on malloc()/free()
     --vm-bytes B   malloc B bytes per vm worker (default is 256MB)
     --vm-stride B  touch a byte every B bytes (default is 4096)
     --vm-hang N    sleep N secs before free (default none, 0 is inf)
     --vm-keep      redirty memory instead of freeing and reallocating
 -d, --hdd N        spawn N workers spinning on write()/unlink()
     --hdd-bytes B  write B bytes per hdd worker (default is 1GB)

Example: stress --cpu 8 --io 4 --vm 2 --vm-bytes 128M --timeout 10s

Note: Numbers may be suffixed with s,m,h,d,y (time) or B,K,M,G (size).
`

type Hog = 'cpu' | 'io' | 'vm' | 'hdd'
const HOGS: readonly Hog[] = ['cpu', 'io', 'vm', 'hdd']
const SHORT: Readonly<Record<string, string>> = { '-c': 'cpu', '-i': 'io', '-m': 'vm', '-d': 'hdd', '-t': 'timeout' }
const SWITCHES: Readonly<Record<string, string>> = { '-v': 'verbose', '--verbose': 'verbose', '-q': 'quiet', '--quiet': 'quiet', '-n': 'dry-run', '--dry-run': 'dry-run', '--vm-keep': 'vm-keep' }
const SIZES = new Set(['vm-bytes', 'vm-stride', 'hdd-bytes'])
const TIMES = new Set(['timeout', 'vm-hang', 'backoff'])
const UNITS: Readonly<Record<string, number>> = { B: 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, s: 1, m: 60, h: 3_600, d: 86_400, y: 31_536_000 }

interface Settings {
  numbers: Map<string, number>
  switches: Set<string>
}

/** stress: workers that use up processor, memory or disk, each a process of its own. */
export const stress: Program = async (proc) => {
  const startedMs = proc.clock.nowMs()
  const say = (level: string, text: string) => (level === 'info' || level === 'dbug' ? proc.stdout : proc.stderr).write(`stress: ${level}: [${proc.pid}] ${text}\n`)
  const args = proc.argv.slice(1)
  if (args.length === 0 || args.some((arg) => arg === '-?' || arg === '--help')) { await proc.stdout.write(HELP); return args.length === 0 ? 1 : 0 }
  if (args.includes('--version')) { await proc.stdout.write(`stress ${VERSION}\n`); return 0 }
  const settings: Settings = { numbers: new Map(), switches: new Set() }
  const wrong = parse(args, settings)
  if (wrong !== undefined) { await say('FAIL', wrong); return 1 }
  const { numbers, switches } = settings
  const quiet = switches.has('quiet')
  const counts = HOGS.map((hog) => numbers.get(hog) ?? 0)
  if (!quiet) await say('info', `dispatching hogs: ${HOGS.map((hog, i) => `${counts[i]} ${hog}`).join(', ')}`)
  if (switches.has('dry-run')) return 0
  const busy = counts[0]! + (numbers.has('vm-hang') ? 0 : counts[2]!)
  const workers = HOGS.flatMap((hog, i) => Array.from({ length: counts[i]! }, () => proc.spawn(proc.argv, { program: (worker) => work(worker, hog, settings, busy) })))
  if (switches.has('verbose')) for (const worker of workers) await say('dbug', `--> hog worker ${worker.pid} forked`)
  const timeout = numbers.get('timeout')
  if (timeout !== undefined) proc.clock.after(timeout * 1000, () => { for (const worker of workers) worker.kill('SIGALRM') })
  const failed = await ended(workers)
  const seconds = Math.round((proc.clock.nowMs() - startedMs) / 1000)
  if (failed === undefined) {
    if (!quiet) await say('info', `successful run completed in ${seconds}s`)
    return 0
  }
  await say('FAIL', `(416) <-- ${failed}`)
  await say('WARN', '(418) now reaping child worker processes')
  for (const worker of workers) worker.kill('SIGUSR1')
  await say('FAIL', `(452) failed run completed in ${seconds}s`)
  return 1
}

/** What the first worker that failed died of; undefined when all have ended well. */
function ended(workers: readonly Process[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    let left = workers.length
    if (left === 0) resolve(undefined)
    for (const worker of workers) void worker.wait().then(({ code, signal }) => {
      if (signal !== undefined && signal !== 'SIGALRM') resolve(`worker ${worker.pid} got signal ${code - 128}`)
      else if (signal === undefined && code !== 0) resolve(`worker ${worker.pid} returned error ${code}`)
      else if (--left === 0) resolve(undefined)
    })
  })
}

/** @returns what is wrong with the arguments. */
function parse(args: readonly string[], { numbers, switches }: Settings): string | undefined {
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!
    if (SWITCHES[arg]) { switches.add(SWITCHES[arg]); continue }
    const name = SHORT[arg] ?? (arg.startsWith('--') ? arg.slice(2) : undefined)
    const isCount = (HOGS as readonly string[]).includes(name ?? '')
    if (name === undefined || !(isCount || SIZES.has(name) || TIMES.has(name))) return `unrecognized option: ${arg}`
    const text = args[++i]
    if (text === undefined) return `missing argument to option '${arg}'`
    const match = (SIZES.has(name) ? /^(\d+)([BKMG]?)$/i : TIMES.has(name) ? /^(\d+)([smhdy]?)$/ : /^(\d+)()$/).exec(text)
    if (!match) return `incorrect argument to option '${arg}': ${text}`
    numbers.set(name, Number(match[1]) * (UNITS[SIZES.has(name) ? match[2]!.toUpperCase() : match[2]!] ?? 1))
  }
  return undefined
}

async function work(proc: Proc, hog: Hog, { numbers, switches }: Settings, busy: number): Promise<number> {
  if (hog === 'cpu') return spin(proc, busy)
  if (hog === 'vm') {
    const bytes = numbers.get('vm-bytes') ?? 256 * 2 ** 20
    const hang = numbers.get('vm-hang')
    await touchMemory(proc, bytes)
    if (hang === undefined) return spin(proc, busy)
    for (;;) {
      await proc.sleep(hang === 0 ? 2 ** 30 : hang * 1000)
      if (hang > 0 && !switches.has('vm-keep')) await touchMemory(proc, bytes)
    }
  }
  // Disks of simulated nodes are memory: syncing takes nothing, and what is written is deleted at once.
  for (;;) {
    await proc.sleep(1_000)
    proc.useCpu(30e6)
  }
}

export const stressImage = defineImage({
  repository: 'docker.io/polinux/stress', tags: ['latest', VERSION], sizeBytes: 4_050_000, cmd: ['stress', '--verbose'], base: alpine, programs: { '/usr/local/bin/stress': stress },
})
