import type { Volume, VolumeProjection } from '../generated/types.ts'

/** A file that a volume makes, and of what. */
interface PlacedFile {
  path: string
  source: string
}

/** Warnings of volumes that put a file where another one is, or into it. k8s: pkg/api/pod/warnings.go warningsForOverlappingVirtualPaths */
export function overlappingPathWarnings(volumes: readonly Volume[] | undefined): string[] {
  return (volumes ?? []).flatMap((volume) => {
    const { name, configMap, secret, downwardAPI, projected } = volume
    const warn = (source: string, files: readonly PlacedFile[]) => overlaps(files).map((pair) => `volume ${JSON.stringify(name)} (${source}): overlapping paths: ${pair}`)
    const plain = (items: readonly { path: string }[] | undefined) => (items ?? []).map(({ path }) => ({ path, source: '' }))
    const empty = (projected?.sources ?? []).filter((source) => Object.keys(source).length === 0)
    return [
      ...(configMap ? warn(`ConfigMap ${JSON.stringify(configMap.name ?? '')}`, plain(configMap.items)) : []),
      ...(secret ? warn(`Secret ${JSON.stringify(secret.secretName ?? '')}`, plain(secret.items)) : []),
      ...(downwardAPI ? warn('DownwardAPI', plain(downwardAPI.items)) : []),
      ...empty.map(() => `volume ${JSON.stringify(name)} (Projected) has no sources provided`),
      ...(projected ? warn('Projected', (projected.sources ?? []).flatMap(filesOf)) : []),
    ]
  })
}

/** The files of one source of a projected volume. Of several in one the first counts. */
function filesOf({ configMap, secret, downwardAPI, serviceAccountToken, clusterTrustBundle, podCertificate }: Readonly<VolumeProjection>): PlacedFile[] {
  const from = (items: readonly { path: string }[], source: string) => items.map(({ path }) => ({ path, source }))
  if (configMap?.items) return from(configMap.items, `ConfigMap ${JSON.stringify(configMap.name ?? '')}`)
  if (secret?.items) return from(secret.items, `Secret ${JSON.stringify(secret.name ?? '')}`)
  if (downwardAPI?.items) return from(downwardAPI.items, 'DownwardAPI')
  if (serviceAccountToken) return from([serviceAccountToken], 'ServiceAccountToken')
  if (clusterTrustBundle) return from([clusterTrustBundle], `ClusterTrustBundle ${JSON.stringify(clusterTrustBundle.name ?? clusterTrustBundle.signerName ?? '')}`)
  const { certificateChainPath, keyPath, credentialBundlePath } = podCertificate ?? {}
  return ([[certificateChainPath, 'chain'], [keyPath, 'key'], [credentialBundlePath, 'credential bundle']] as const).flatMap(([path, what]) => path ? [{ path, source: `PodCertificate ${what}` }] : [])
}

/** Each file with those before it that it meets. k8s: checkForOverlap */
function overlaps(files: readonly PlacedFile[]): string[] {
  const before: PlacedFile[] = []
  const out: string[] = []
  for (const { path: given, source } of files) {
    const file = { path: given.replace(/\/+$/, ''), source }
    if (file.path !== '') {
      for (const other of before) {
        if (other.path !== '' && (`${other.path}/`.startsWith(`${file.path}/`) || `${file.path}/`.startsWith(`${other.path}/`))) out.push(`${textOf(file)} with ${textOf(other)}`)
      }
    }
    before.push(file)
  }
  return out
}

const textOf = ({ path, source }: PlacedFile) => source ? `${JSON.stringify(path)} (${source})` : JSON.stringify(path)
