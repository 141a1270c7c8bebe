import type { KubeObject } from '../kinds/object.ts'

/** A reference to an object of the same namespace. */
interface LocalReference {
  name?: string
}

/** Where more values come from. */
export interface ValuesSecret {
  name?: string
  keys?: readonly string[]
  ignoreUpdates?: boolean
}

/** What a HelmChart and a HelmChartConfig both may say. */
interface ChartValues {
  values?: unknown
  valuesContent?: string
  valuesSecrets?: readonly ValuesSecret[]
  failurePolicy?: string
}

/** A chart that is to be installed. k3s: helm.cattle.io/v1 */
export interface HelmChart extends KubeObject {
  spec: ChartValues & {
    targetNamespace?: string
    createNamespace?: boolean
    chart?: string
    version?: string
    repo?: string
    repoCA?: string
    repoCAConfigMap?: LocalReference
    set?: Readonly<Record<string, string | number>>
    helmVersion?: string
    bootstrap?: boolean
    takeOwnership?: boolean
    chartContent?: string
    jobImage?: string
    backOffLimit?: number
    timeout?: string
    authSecret?: LocalReference
    authPassCredentials?: boolean
    insecureSkipTLSVerify?: boolean
    plainHTTP?: boolean
    dockerRegistrySecret?: LocalReference
    podSecurityContext?: unknown
    securityContext?: unknown
  }
  status?: { jobName?: string; conditions?: { type: string; status: string; reason?: string; message?: string }[] }
}

/** More values for a chart of the same name. */
export interface HelmChartConfig extends KubeObject {
  spec?: ChartValues
}

export const HELM_CHARTS = 'helmcharts.helm.cattle.io'
export const HELM_CHART_CONFIGS = 'helmchartconfigs.helm.cattle.io'

/** Where a chart comes from, for people. k3s: helm-controller chartSource */
export function chartSource({ spec, metadata: { annotations } }: HelmChart): string {
  const { chart = '', version, repo = '' } = spec
  if (spec.chartContent) {
    const url = annotations?.['helm.cattle.io/chart-url']
    return url ? `inline spec.chartContent from ${url}` : 'inline spec.chartContent'
  }
  if (chart.startsWith('oci://')) return version ? `version ${version} from OCI registry ${chart}` : `latest stable version from OCI registry ${chart}`
  if (chart.includes('://')) return chart
  return version ? `${chart} version ${version} from chart repository ${repo}` : `latest stable version of ${chart} from chart repository ${repo}`
}
