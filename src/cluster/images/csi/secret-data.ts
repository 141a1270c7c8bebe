import { fromBase64 } from '../../kinds/base64.ts'
import type { Secret } from '../../kinds/generated/types.ts'
import { apiCall } from '../in-cluster/api-call.ts'
import type { ClusterClient } from '../in-cluster/cluster-client.ts'

const decoder = new TextDecoder()

/** What a secret holds that a volume names for calls of its driver; nothing where it names none. @throws Error where it can't be read */
export async function secretData(client: ClusterClient, ref: { name?: string; namespace?: string } | undefined): Promise<Record<string, string>> {
  if (!ref?.name) return {}
  const { data = {} } = await apiCall<Secret>(client, 'GET', `/api/v1/namespaces/${ref.namespace}/secrets/${ref.name}`).catch((error: unknown) => { throw new Error(`error getting secret ${ref.name} in namespace ${ref.namespace}: ${(error as Error).message}`) })
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, decoder.decode(fromBase64(value))]))
}
