import type { ConfigMap, Container, Pod, Secret, Service } from '../kinds/generated/types.ts'
import { fromBase64 } from '../storage/atomic-writer.ts'
import { fieldValue, resourceValue } from '../storage/field-path.ts'
import type { FieldContext } from '../storage/field-path.ts'
import { isNotFound } from '../storage/volume.ts'
import { envFileValue } from './env-file.ts'
import type { AnyContainer } from './pod-spec.ts'

/** Replaces `$(NAME)`; `$$` stands for `$`, unknown names stay. k8s: third_party/forked/golang/expansion */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  if (!text.includes('$')) return text
  let out = ''
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!
    if (c !== '$' || i + 1 >= text.length) { out += c; continue }
    const next = text[i + 1]!
    if (next === '$') { out += '$'; i++; continue }
    if (next !== '(') { out += `$${next}`; i++; continue }
    const close = text.indexOf(')', i + 2)
    if (close < 0) { out += '$('; i++; continue }
    const name = text.slice(i + 2, close)
    out += lookup(name) ?? `$(${name})`
    i = close
  }
  return out
}

/** Variables that tell a container about Services. k8s: pkg/kubelet/envvars FromServices */
function serviceEnvironment(services: readonly Service[], namespace: string, links: boolean): Record<string, string> {
  const env: Record<string, string> = {}
  const chosen = new Map<string, Service>()
  for (const service of services) {
    const ip = service.spec.clusterIP
    if (!ip || ip === 'None') continue
    const { name, namespace: own } = service.metadata
    if (own === 'default' && name === 'kubernetes') { if (!chosen.has(name)) chosen.set(name, service) }
    else if (own === namespace && links) chosen.set(name!, service)
  }
  for (const service of chosen.values()) {
    const ip = service.spec.clusterIP!
    const host = ip.includes(':') ? `[${ip}]` : ip
    const prefix = service.metadata.name!.toUpperCase().replace(/-/g, '_')
    const ports = service.spec.ports ?? []
    env[`${prefix}_SERVICE_HOST`] = ip
    if (ports.length === 0) continue
    env[`${prefix}_SERVICE_PORT`] = String(ports[0]!.port)
    for (const port of ports) if (port.name) env[`${prefix}_SERVICE_PORT_${port.name.toUpperCase().replace(/-/g, '_')}`] = String(port.port)
    ports.forEach((port, i) => {
      const protocol = port.protocol ?? 'TCP'
      const url = `${protocol.toLowerCase()}://${host}:${port.port}`
      if (i === 0) env[`${prefix}_PORT`] = url
      const base = `${prefix}_PORT_${port.port}_${protocol}`
      env[base] = url
      env[`${base}_PROTO`] = protocol.toLowerCase()
      env[`${base}_PORT`] = String(port.port)
      env[`${base}_ADDR`] = ip
    })
  }
  return env
}

export interface EnvironmentSources {
  services(): readonly Service[]
  configMap(namespace: string, name: string): Promise<ConfigMap>
  secret(namespace: string, name: string): Promise<Secret>
  /** A file of a volume, with its path on the node. @throws Error when there is no such volume */
  file(volumeName: string, path: string): { nodePath: string; read(): string }
  fields: FieldContext
}

/** The environment of a container. @throws Error in the kubelet's words for what is missing. k8s: pkg/kubelet makeEnvironmentVariables */
export async function containerEnvironment(pod: Pod, container: AnyContainer, sources: EnvironmentSources): Promise<Record<string, string>> {
  const namespace = pod.metadata.namespace!
  const services = serviceEnvironment(sources.services(), namespace, pod.spec.enableServiceLinks ?? true)
  const env: Record<string, string> = {}
  const configMaps = new Map<string, ConfigMap>()
  const secrets = new Map<string, Secret>()
  const get = async <T>(held: Map<string, T>, name: string, optional: boolean | undefined, read: (namespace: string, name: string) => Promise<T>): Promise<T | undefined> => {
    let object = held.get(name)
    if (object) return object
    try {
      object = await read(namespace, name)
    } catch (error) {
      if (optional && isNotFound(error)) return undefined
      throw error
    }
    held.set(name, object)
    return object
  }
  const textOf = (base64: string) => new TextDecoder().decode(fromBase64(base64))
  for (const from of container.envFrom ?? []) {
    const prefix = from.prefix ?? ''
    if (from.configMapRef) {
      const map = await get(configMaps, from.configMapRef.name ?? '', from.configMapRef.optional, sources.configMap)
      for (const [key, value] of Object.entries(map?.data ?? {})) env[prefix + key] = value
    } else if (from.secretRef) {
      const secret = await get(secrets, from.secretRef.name ?? '', from.secretRef.optional, sources.secret)
      for (const [key, value] of Object.entries(secret?.data ?? {})) env[prefix + key] = textOf(value)
    }
  }
  const lookup = (name: string) => env[name] ?? services[name]
  for (const { name, value, valueFrom } of container.env ?? []) {
    let result = value ?? ''
    if (result !== '') result = expand(result, lookup)
    else if (valueFrom?.fieldRef) result = fieldValue(pod, valueFrom.fieldRef, sources.fields)
    else if (valueFrom?.resourceFieldRef) {
      const of = valueFrom.resourceFieldRef.containerName
      const target = of ? [...pod.spec.containers, ...pod.spec.initContainers ?? []].find((c) => c.name === of) : container
      if (!target) throw new Error(`container ${of} not found`)
      result = resourceValue(pod, target as Container, valueFrom.resourceFieldRef, sources.fields)
    } else if (valueFrom?.configMapKeyRef) {
      const { name: mapName = '', key, optional } = valueFrom.configMapKeyRef
      const found = (await get(configMaps, mapName, optional, sources.configMap))?.data?.[key]
      if (found === undefined) {
        if (optional) continue
        throw new Error(`couldn't find key ${key} in ConfigMap ${namespace}/${mapName}`)
      }
      result = found
    } else if (valueFrom?.secretKeyRef) {
      const { name: secretName = '', key, optional } = valueFrom.secretKeyRef
      const found = (await get(secrets, secretName, optional, sources.secret))?.data?.[key]
      if (found === undefined) {
        if (optional) continue
        throw new Error(`couldn't find key ${key} in Secret ${namespace}/${secretName}`)
      }
      result = textOf(found)
    } else if (valueFrom?.fileKeyRef) {
      const { volumeName, path, key, optional } = valueFrom.fileKeyRef
      const file = sources.file(volumeName, path)
      try {
        result = envFileValue(file.read(), key)
      } catch {
        throw new Error("couldn't parse env file")
      }
      if (result === '') {
        if (optional) continue
        throw new Error(`environment variable key ${JSON.stringify(key)} not found in file ${JSON.stringify(file.nodePath)}`)
      }
    }
    env[name] = result
  }
  return { ...services, ...env }
}
