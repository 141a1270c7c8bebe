import type { FileSystem } from '../../../unix/types.ts'
import { writeTar } from '../../kubectl/tar.ts'
import type { TarEntry } from '../../kubectl/tar.ts'
import { printYaml } from '../../yaml.ts'
import { metadataJson, nameOf } from './chart.ts'
import type { Chart, ChartFile } from './chart.ts'
import { gzipSync } from './gzip.ts'
import { validateMetadata } from './load.ts'

/** Packs a chart into `NAME-VERSION.tgz` of a folder. k8s: chartutil.Save @returns the archive's path @throws Error */
export function saveChart(chart: Chart, folder: string, fs: FileSystem, nowMs: number): string {
  try {
    validateMetadata(chart.metadata)
  } catch (error) {
    throw new Error(`chart validation: ${(error as Error).message}`)
  }
  const path = `${folder === '/' ? '' : folder}/${nameOf(chart)}-${chart.metadata.version}.tgz`
  fs.mkdir(folder, { recursive: true })
  fs.writeFile(path, packChart(chart, nowMs))
  return path
}

/** A chart as an archive. */
export function packChart(chart: Chart, nowMs: number): Uint8Array {
  return gzipSync(writeTar(archived(chart, '').map(({ name, data }): TarEntry => ({ name, data, type: 'file', mode: 0o644, modifiedMs: nowMs }))))
}

/** All files of a chart and those inside it, under the names that an archive gives them. */
export function archived(chart: Chart, prefix: string): ChartFile[] {
  const base = `${prefix}${nameOf(chart)}/`
  const text = (value: unknown) => new TextEncoder().encode(printYaml(value))
  const metadata = metadataJson(chart.metadata)
  if (chart.metadata.apiVersion === 'v1') delete metadata['dependencies']
  const values = chart.raw.find((file) => file.name === 'values.yaml')
  return [
    { name: `${base}Chart.yaml`, data: text(metadata) },
    ...(chart.lock && chart.metadata.apiVersion === 'v2' ? [{ name: `${base}Chart.lock`, data: text(chart.lock) }] : []),
    ...(values ? [{ name: `${base}values.yaml`, data: values.data }] : []),
    ...(chart.schema ? [{ name: `${base}values.schema.json`, data: chart.schema }] : []),
    ...[...chart.templates, ...chart.files].map((file) => ({ name: base + file.name, data: file.data })),
    ...chart.dependencies.flatMap((child) => archived(child, `${base}charts/`)),
  ]
}
