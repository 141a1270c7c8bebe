import { bytesOfBase64 } from '../../../base/base64.ts'
import { createPipe, readAll } from '../../../base/streams.ts'
import type { Proc } from '../../../unix/types.ts'

const AUTH_FOLDER = '/auth'
const AUTHORITIES = '/tmp/ca-file.pem'
/** Whom helm trusts: the API server has charts, too. */
const TRUST = { SSL_CERT_FILE: '/var/run/secrets/kubernetes.io/serviceaccount/ca.crt' }
const TERMINATION_LOG = '/dev/termination-log'

/** A release as helm shows it. */
interface Release {
  status: string
  revision: string
}

/** Brings a chart to where its job wants it: installs, upgrades, or takes it away. klipper-helm: entry */
export async function entry(proc: Proc): Promise<number> {
  const { env } = proc
  // Whoever interrupts helm leaves a release behind that nobody has finished.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) proc.onSignal(signal, 'ignore')
  const job = new HelmRun(proc)
  if (env['HELM_VERSION'] === 'v2') {
    const text = 'Helm v2 is EOL effective 2020-11-13; upgrade your chart to helm v3'
    job.note(text)
    await job.say(text)
    return 64
  }
  const [verb = '', ...flags] = proc.argv.slice(1)
  if (verb !== 'delete') {
    const failed = await job.prepareRepository()
    if (failed !== 0) return failed
  }
  return job.update(verb, flags)
}

class HelmRun {
  readonly #proc: Proc
  readonly #name: string
  readonly #namespace: string
  readonly #chart: string
  /** Flags of how to reach repositories. */
  readonly #access: string[]

  constructor(proc: Proc) {
    const { env, fs } = proc
    this.#proc = proc
    this.#name = env['NAME'] ?? ''
    this.#namespace = env['TARGET_NAMESPACE'] ?? ''
    const host = env['KUBERNETES_SERVICE_HOST'] ?? ''
    const chart = (env['CHART'] ?? '').replaceAll('%{KUBERNETES_API}%', `${host.includes(':') ? `[${host}]` : host}:${env['KUBERNETES_SERVICE_PORT']}`)
    const archive = this.#decodedContent()
    this.#chart = archive ?? chart
    const authorities = [...fs.exists('/config/ca-file.pem') ? ['/config/ca-file.pem'] : [], ...filesIn(proc, '/ca-files')]
    if (authorities.length > 0) fs.writeFile(AUTHORITIES, authorities.map((path) => `\n${fs.readText(path)}`).join(''))
    this.#access = [...authorities.length > 0 ? ['--ca-file', AUTHORITIES] : [], ...env['INSECURE_SKIP_TLS_VERIFY'] === 'true' ? ['--insecure-skip-tls-verify'] : []]
  }

  /** A line for whoever reads the pod's log. */
  async say(text: string): Promise<void> {
    await this.#proc.stdout.write(`${text}\n`)
  }

  /** A line for whoever looks at the pod's status. */
  note(text: string): void {
    this.#proc.fs.writeFile(TERMINATION_LOG, `${text}\n`, { append: true })
  }

  /** Makes helm know the repository that the chart comes from. @returns an exit code */
  async prepareRepository(): Promise<number> {
    const { env, fs } = this.#proc
    if (/https?:\/\//.test(this.#chart)) {
      await this.say('chart path is a url, skipping repo update')
      await this.#helm(['repo', 'remove', 'stable'])
      return 0
    }
    const addAndUpdate = async (args: readonly string[], password?: string) => await this.#helm(['repo', 'add', ...this.#access, ...args], password) || this.#helm(['repo', 'update'])
    if (this.#chart.startsWith('stable/')) {
      const failed = await addAndUpdate(['stable', env['STABLE_REPO_URL'] ?? ''])
      if (failed !== 0) return failed
    }
    const repository = env['REPO']
    if (!repository) return 0
    const has = (...names: string[]) => names.every((name) => fs.exists(`${AUTH_FOLDER}/${name}`))
    const target = [this.#name.replace(/\/.*$/, ''), repository]
    const passOn = env['AUTH_PASS_CREDENTIALS'] === 'true' ? ['--pass-credentials'] : []
    if (has('username', 'password')) return addAndUpdate([...passOn, '--username', fs.readText(`${AUTH_FOLDER}/username`), '--password-stdin', ...target], fs.readText(`${AUTH_FOLDER}/password`))
    if (has('tls.crt', 'tls.key')) return addAndUpdate([...passOn, '--cert-file', `${AUTH_FOLDER}/tls.crt`, '--key-file', `${AUTH_FOLDER}/tls.key`, ...target])
    return addAndUpdate(target)
  }

  /** @returns an exit code */
  async update(verb: string, flags: readonly string[]): Promise<number> {
    const { env } = this.#proc
    const release = await this.#release()
    const uninstall = () => this.#helm(['uninstall', this.#name, '--namespace', this.#namespace, '--wait'])
    const change = (action: string) => this.#helm([
      action, ...flags, this.#name, this.#chart, ...this.#access, ...env['PLAIN_HTTP'] === 'true' ? ['--plain-http'] : [], ...env['TIMEOUT'] ? ['--timeout', env['TIMEOUT']] : [],
      ...filesIn(this.#proc, '/config').filter((path) => path.endsWith('.yaml')).flatMap((path) => ['--values', path]),
    ])
    if (verb === 'delete') {
      if (!release) {
        this.note('No helm chart installed; nothing to delete')
        return 0
      }
      if (!await this.#isExpected(release)) return 0
      this.note('Uninstalling helm chart')
      await uninstall()
      return 0
    }
    if (!release) {
      this.note('Installing helm chart')
      return change('install')
    }
    if (!await this.#isExpected(release)) return 0
    let { status } = release
    if (['pending-install', 'pending-upgrade', 'pending-rollback', 'superseded', 'uninstalling'].includes(status)) {
      await this.say(`Previous helm job was interrupted, updating status from ${status} to failed`)
      this.note(`Resetting helm release status from '${status}' to 'failed'`)
      if (status === 'pending-upgrade' || status === 'superseded') {
        this.note('Retrying upgrade of helm chart')
        await this.say(`Retrying upgrade of ${this.#name}`)
        return change('upgrade')
      }
      status = 'failed'
    }
    if (status === 'deployed') {
      await this.say(`Already installed ${this.#name}`)
      this.note('Upgrading helm chart')
      await this.say(`Upgrading ${this.#name}`)
      return change('upgrade')
    }
    const policy = env['FAILURE_POLICY'] || 'reinstall'
    if (policy !== 'reinstall') {
      const text = `Release status is '${status}' and failure policy is '${policy}', not 'reinstall'; waiting for operator intervention`
      this.note(text)
      await this.say(text)
      return 1
    }
    this.note(`Uninstalling ${status} helm chart`)
    await uninstall()
    await this.say('Deleted')
    this.note('Installing helm chart')
    return change('install')
  }

  async #release(): Promise<Release | undefined> {
    const pipe = createPipe(1 << 20)
    const args = ['ls', '--all', '-f', `^${this.#name}$`, '--namespace', this.#namespace, '--output', 'json']
    await this.#trace(args)
    const output = readAll(pipe.reader)
    await this.#proc.spawn(['helm', ...args], { env: { ...this.#proc.env, ...TRUST }, stdout: pipe.writer }).wait()
    pipe.writer.close()
    const [found] = JSON.parse(new TextDecoder().decode(await output) || '[]') as { status: string; revision: string }[]
    return found && { status: found.status.toLowerCase(), revision: String(found.revision) }
  }

  /** Whether the release is still the one that the job was made for. */
  async #isExpected({ revision }: Release): Promise<boolean> {
    const expected = this.#proc.env['EXPECTED_RELEASE_REVISION']
    if (!expected || expected === revision) return true
    const text = `Current release revision ${revision} does not match expected revision ${expected}`
    this.note(text)
    await this.say(text)
    return false
  }

  /** The archive that the chart carries itself, unpacked from its text. */
  #decodedContent(): string | undefined {
    const { fs } = this.#proc
    const encoded = `/chart/${this.#name}.tgz.base64`
    if (!fs.exists(encoded)) return undefined
    const path = `/tmp/${this.#name}.tgz`
    fs.writeFile(path, bytesOfBase64(fs.readText(encoded).replace(/\s+/g, '')))
    return path
  }

  async #helm(args: readonly string[], input?: string): Promise<number> {
    await this.#trace(args)
    const env = { ...this.#proc.env, ...TRUST }
    if (input === undefined) return (await this.#proc.spawn(['helm', ...args], { env }).wait()).code
    const pipe = createPipe()
    const process = this.#proc.spawn(['helm', ...args], { env, stdin: pipe.reader })
    await pipe.writer.write(input)
    pipe.writer.close()
    return (await process.wait()).code
  }

  /** What the shell prints of a command that it is about to run (`set -x`). */
  async #trace(args: readonly string[]): Promise<void> {
    await this.#proc.stderr.write(`+ helm ${args.map((arg) => /^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`).join(' ')}\n`)
  }
}

function filesIn({ fs }: Proc, folder: string): string[] {
  return fs.exists(folder) ? fs.readdir(folder).filter((name) => !name.startsWith('.')).map((name) => `${folder}/${name}`) : []
}
