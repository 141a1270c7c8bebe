import { fromWebStream, readAll } from '../../../base/streams.ts'
import { encodeHeader, paddingOf } from '../../../unix/utilities/tar-format.ts'
import type { Clock } from '../../../base/clock.ts'
import type { FileSystem } from '../../../unix/types.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { manifestText } from '../manifest-text.ts'
import { STATIC_FOLDER, TRAEFIK_CHART_VERSION } from '../static-files.ts'
import { TRAEFIK_CHART } from './traefik-chart.ts'

/** Puts the charts that k3s brings on a server's disk, as long as it wants them; archives that are as they should be aren't touched. k3s: pkg/static */
export async function stageCharts(files: FileSystem, clock: Clock, isWanted: () => boolean): Promise<void> {
  const folder = `${STATIC_FOLDER}/charts`
  const pathOf = (name: string) => `${folder}/${name}-${TRAEFIK_CHART_VERSION}.tgz`
  const stage = async (name: string, chart: Readonly<Record<string, string>>) => {
    const archive = await clock.outside(chartArchive(name, chart))
    const path = pathOf(name)
    // The server may have ended meanwhile, and its folder be gone.
    if (!isWanted() || (files.exists(path) && areEqual(files.readFile(path), archive))) return
    files.mkdir(folder, { recursive: true, mode: 0o700 })
    files.writeFile(path, archive, { mode: 0o600 })
  }
  // Definitions are much to load and to write down, and those of one version are always the same.
  if (!files.exists(pathOf('traefik-crd'))) await stage('traefik-crd', await definitionsChart(clock))
  await stage('traefik', TRAEFIK_CHART)
}

/** Traefik's definitions, those of Traefik Hub, and the Gateway API's standard channel, as templates. k3s: k3s-charts charts/traefik-crd */
async function definitionsChart(clock: Clock): Promise<Record<string, string>> {
  const [traefik, hub, gateway] = (await clock.outside(Promise.all([import('./traefik-definitions.json', { with: { type: 'json' } }), import('./hub-definitions.json', { with: { type: 'json' } }), import('./gateway-definitions.json', { with: { type: 'json' } })]))).map((module) => module.default as unknown as KubeObject[])
  const files: Record<string, string> = { 'Chart.yaml': `apiVersion: v1\nname: traefik-crd\nversion: ${TRAEFIK_CHART_VERSION}\nappVersion: v3.6.12\ndescription: Installs the CRDs for traefik\ntype: application\nannotations:\n  fleet.cattle.io/bundle-id: k3s\n` }
  for (const definition of [...hub!, ...traefik!]) {
    const { metadata: { name = '' }, spec: { group } } = definition as KubeObject & { spec: { group: string } }
    files[`templates/${group}_${name.split('.')[0]}.yaml`] = await manifestText([definition], clock)
  }
  files['templates/gateway-standard-install.yaml'] = await manifestText(gateway!, clock)
  return files
}

/** A chart as Helm packs it. @param files contents by path in the chart's folder */
async function chartArchive(name: string, files: Readonly<Record<string, string>>): Promise<Uint8Array> {
  const parts: Uint8Array<ArrayBuffer>[] = []
  const add = (bytes: Uint8Array) => parts.push(bytes as Uint8Array<ArrayBuffer>)
  for (const [path, text] of Object.entries(files)) {
    const content = new TextEncoder().encode(text)
    add(encodeHeader({ type: 'file', name: `${name}/${path}`, linkName: '', mode: 0o644, uid: 0, gid: 0, userName: '', groupName: '', sizeBytes: content.length, modifiedMs: 0 }))
    add(content)
    add(new Uint8Array(paddingOf(content.length)))
  }
  add(new Uint8Array(1024))
  return readAll(fromWebStream(new Blob(parts).stream().pipeThrough(new CompressionStream('gzip'))))
}

function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
