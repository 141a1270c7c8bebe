import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { usageError } from '../command.ts'
import { CommandExit } from '../errors.ts'
import { isImageReference } from '../image-reference.ts'
import { LAST_APPLIED, withLastApplied } from '../last-applied.ts'
import { asPod, podRunningTimeout, POD_MAPPING } from '../pods.ts'
import type { PodObject } from '../pods.ts'
import { dryRunOf, dryRunSuffix, printerFor } from '../print.ts'
import { recorded } from '../record.ts'
import { untilObject } from '../watching.ts'
import { writeQuery } from './create/submit.ts'
import { deleteOptions } from './delete.ts'
import { attachTo } from './exec.ts'
import { parseLabelText, withOverrides } from './expose.ts'
import type { CommandHandler, Invocation } from './handler.ts'
import { consume } from './logs.ts'

// k8s: kubectl/pkg/cmd/run
export const run: CommandHandler = async (inv) => {
  const { f, flags, args, argsBeforeDash, spec, out } = inv
  if (args.length === 0 || argsBeforeDash === 0) throw usageError(spec, 'NAME is required for run')
  const dryRun = dryRunOf(f)
  const interactive = flags.bool('stdin')
  const tty = flags.bool('tty')
  const attaching = flags.changed('attach') ? flags.bool('attach') : interactive
  const print = printerFor(f, { operation: `created${dryRunSuffix(dryRun)}`, typed: true })
  const timeoutMs = podRunningTimeout(flags, spec)
  const image = flags.str('image')
  if (!image) throw new Error('--image is required')
  if (!isImageReference(image)) throw new Error(`Invalid image name ${JSON.stringify(image)}: invalid reference format`)
  if (tty && !interactive) throw usageError(spec, '-i/--stdin is required for containers with -t/--tty=true')
  if (flags.bool('expose') && !flags.str('port')) throw usageError(spec, '--port must be set when exposing a service')
  f.rest()
  const { namespace, explicit } = f.namespace()
  const restart = flags.str('restart') || (interactive ? 'OnFailure' : 'Always')
  if (!['Always', 'OnFailure', 'Never'].includes(restart)) throw usageError(spec, `invalid restart policy: ${restart}`)
  const remove = flags.bool('rm')
  if (!attaching && remove) throw usageError(spec, '--rm should only be used for attached containers')
  if (attaching && dryRun !== 'none') throw usageError(spec, "--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or --tty)")
  const pullPolicy = flags.str('image-pull-policy')
  if (!['', 'Always', 'IfNotPresent', 'Never'].includes(pullPolicy)) throw usageError(spec, `invalid image pull policy: ${pullPolicy}`)

  const name = args[0]!
  const words = args.slice(1)
  const labels = flags.str('labels') ? parseLabelText(flags.str('labels')) : { run: name }
  const annotations = Object.fromEntries(flags.list('annotations').map((a) => {
    const at = a.indexOf('=')
    if (at <= 0) throw new Error(`invalid annotations: ${a}`)
    return [a.slice(0, at), a.slice(at + 1)]
  }))
  const env = flags.list('env').map((pair) => {
    const at = pair.indexOf('=')
    if (at <= 0) throw new Error(`invalid env: ${pair}`)
    return { name: pair.slice(0, at), ...(pair.slice(at + 1) ? { value: pair.slice(at + 1) } : {}) }
  })
  const port = flags.str('port')
  if (port && !/^[+-]?\d+$/.test(port)) throw new Error(`strconv.Atoi: parsing ${JSON.stringify(port)}: invalid syntax`)
  const pod: KubeObject = {
    apiVersion: 'v1', kind: 'Pod', metadata: { ...(Object.keys(annotations).length > 0 ? { annotations } : {}), labels, name },
    spec: {
      containers: [{
        ...(words.length > 0 ? flags.bool('command') ? { command: words } : { args: words } : {}), ...(env.length > 0 ? { env } : {}), image, ...(pullPolicy ? { imagePullPolicy: pullPolicy } : {}), name,
        ...(port ? { ports: [{ containerPort: Number(port) }] } : {}), resources: {}, ...(flags.bool('privileged') ? { securityContext: { privileged: true } } : {}),
        ...(interactive ? { stdin: true } : {}), ...(interactive && !flags.bool('leave-stdin-open') ? { stdinOnce: true } : {}), ...(tty ? { tty: true } : {}),
      }],
      dnsPolicy: 'ClusterFirst', restartPolicy: restart,
    },
    status: {},
  }
  const created: { path: string }[] = []
  const make = async (object: KubeObject, resource: string): Promise<KubeObject> => {
    object = recorded(f, object)
    if (dryRun === 'client') return explicit ? { ...object, metadata: { ...object.metadata, namespace } } : object
    const body = flags.bool('save-config') || object.metadata.annotations?.[LAST_APPLIED] ? withLastApplied(object) : object
    const answer = await f.rest().json<KubeObject>('POST', `/api/v1/namespaces/${namespace}/${resource}`, { body, query: writeQuery(inv, dryRun, 'kubectl-run') })
    created.push({ path: `/api/v1/namespaces/${namespace}/${resource}/${answer.metadata.name}` })
    return answer
  }
  const podObject = await make(withOverrides(f, pod), 'pods')
  if (flags.bool('expose')) {
    const service = await make({
      apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ports: [{ port: Number(port), protocol: 'TCP', targetPort: Number(port) }], selector: labels }, status: { loadBalancer: {} },
    }, 'services')
    void out(print(service))
    if (flags.str('output') === 'yaml') void out('---\n')
  }
  if (!attaching) { void out(print(podObject)); return }
  try {
    await attachAndWait(inv, asPod(podObject), { interactive, tty, timeoutMs, restart })
  } finally {
    if (remove) for (const { path } of created) {
      try {
        await f.rest().json('DELETE', path, { body: deleteOptions(-1, 'Background') })
        const [, resource, object] = /\/([^/]+)\/([^/]+)$/.exec(path)!
        if (!flags.bool('quiet')) void out(`${resource!.slice(0, -1)} "${object}" deleted from ${namespace} namespace\n`)
      } catch { /* it is gone already */ }
    }
  }
}

async function attachAndWait(inv: Invocation, pod: PodObject, options: { interactive: boolean; tty: boolean; timeoutMs: number; restart: string }): Promise<void> {
  const { f, flags } = inv
  const mapping = POD_MAPPING
  const ref = { mapping, namespace: pod.metadata.namespace!, name: pod.metadata.name! }
  const over = (p: KubeObject | undefined) => p?.['status']?.phase === 'Succeeded' || p?.['status']?.phase === 'Failed'
  const gone = () => new Error(`pods ${JSON.stringify(ref.name)} not found`)
  const running = await untilObject(f, ref, options.timeoutMs, (p, deleted) => {
    if (deleted) throw gone()
    return over(p) || (p?.['status']?.phase === 'Running' && p['status'].conditions?.some((c: any) => c.type === 'Ready' && c.status === 'True'))
  })
  const container = pod.spec.containers[0]!.name
  const showLogs = (query: Record<string, string> = {}) => consume(f, { pod: asPod(running!), container }, query, false, (data) => f.io.out(data))
  if (over(running)) await showLogs()
  else {
    try {
      await showLogs()
    } catch (error) {
      void f.io.err(`warning: couldn't fetch pre-attach logs: ${(error as Error).message}\n`)
    }
    try {
      await attachTo(f, asPod(running!), { container, stdin: options.interactive, tty: options.tty, quiet: flags.bool('quiet') })
    } catch (error) {
      if (error instanceof CommandExit) throw error
      void f.io.err(`warning: couldn't attach to pod/${ref.name}, falling back to streaming logs: ${(error as Error).message}\n`)
      await showLogs()
    }
  }
  if (flags.bool('leave-stdin-open') || options.restart === 'Always') return
  const final = await untilObject(f, ref, options.timeoutMs, (p, deleted) => {
    if (deleted) throw gone()
    return options.restart === 'OnFailure' ? p?.['status']?.phase === 'Succeeded' : over(p)
  })
  const status = final!['status']
  if (status.phase === 'Succeeded') return
  if (status.phase !== 'Failed') throw new Error(`pod ${ref.namespace}/${ref.name} left in phase ${status.phase}`)
  const terminated = status.containerStatuses?.[0]?.state?.terminated
  if (!terminated?.exitCode) throw new Error(`pod ${ref.namespace}/${ref.name} failed with unknown exit code`)
  throw new CommandExit(`pod ${ref.namespace}/${ref.name} terminated (${terminated.reason ?? ''})\n${terminated.message ?? ''}`, terminated.exitCode)
}
