import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { failureOf } from '../../../cluster/kinds/response-failure.ts'
import { StatusError } from '../../../cluster/kinds/status-error.ts'
import { printerOfFormat } from '../print.ts'
import type { CommandHandler } from './handler.ts'

const LISTS: readonly [file: string, path: string, kind: string][] = [
  ['events', 'api/v1', 'events'], ['replication-controllers', 'api/v1', 'replicationcontrollers'], ['services', 'api/v1', 'services'],
  ['daemonsets', 'apis/apps/v1', 'daemonsets'], ['deployments', 'apis/apps/v1', 'deployments'], ['replicasets', 'apis/apps/v1', 'replicasets'], ['pods', 'api/v1', 'pods'],
]

/** Empty lists come in a form that knows no empty ones. */
const nothingAsNull = (list: KubeObject) => (list['items'] as unknown[] | undefined)?.length ? list : { ...list, items: null } as KubeObject

// k8s: kubectl/pkg/cmd/clusterinfo dump
export const dump: CommandHandler = async ({ f, flags, out }) => {
  const format = flags.str('output') || 'json'
  const extension = format === 'json' ? '.json' : format === 'yaml' ? '.yaml' : '.txt'
  const directory = flags.str('output-directory')
  const toFiles = directory !== '' && directory !== '-'
  const printed = printerOfFormat(f, format, { typed: true })
  const print = (list: KubeObject) => {
    // Go's lists have no names of their own, which this form of output insists on.
    if (format === 'name') throw new Error(`list types are not supported by name printing: *v1.${list.kind}`)
    return printed(list)
  }
  const put = (path: string, text: string) => {
    if (!toFiles) { void out(text); return }
    const file = f.proc.resolve(`${directory}/${path}`)
    f.proc.fs.mkdir(file.replace(/\/[^/]*$/, ''), { recursive: true })
    f.proc.fs.writeFile(file, text)
  }
  const get = (path: string) => f.rest().json<KubeObject>('GET', path)
  put(`nodes${extension}`, print(nothingAsNull(await get('/api/v1/nodes'))))
  let namespaces: string[]
  if (flags.bool('all-namespaces')) namespaces = (await f.rest().list('/api/v1/namespaces')).items.map((n) => n.metadata.name!)
  else namespaces = flags.list('namespaces').length > 0 ? flags.list('namespaces') : ['kube-system', f.namespace().namespace]
  for (const namespace of namespaces) {
    let pods: any[] = []
    for (const [file, base, resource] of LISTS) {
      const list = await get(`/${base}/namespaces/${namespace}/${resource}`)
      put(`${namespace}/${file}${extension}`, print(nothingAsNull(list)))
      if (resource === 'pods') pods = list['items'] as any[]
    }
    for (const pod of pods) {
      const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers]
      let text = ''
      for (const container of containers) {
        text += `==== START logs for container ${container.name} of pod ${namespace}/${pod.metadata.name} ====\n`
        const path = `/api/v1/namespaces/${namespace}/pods/${pod.metadata.name}/log`
        try {
          text += await f.rest().text('GET', path, { query: { container: container.name }, accept: '*/*' })
        } catch (error) {
          // What the server said isn't looked into here, only its code.
          text += `Request log error: ${(error instanceof StatusError ? failureOf(error.code, '', 'GET', path) : error as Error).message}\n`
        }
        text += `==== END logs for container ${container.name} of pod ${namespace}/${pod.metadata.name} ====\n`
      }
      put(`${namespace}/${pod.metadata.name}/logs.txt`, text)
    }
  }
  if (toFiles) void out(`Cluster info dumped to ${directory}\n`)
}
