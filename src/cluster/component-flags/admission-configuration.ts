import type { ImagePolicySettings } from '../apiserver/admission/image-policy-webhook.ts'
import type { PodSecuritySettings } from '../apiserver/admission/pod-security.ts'
import { parseYaml } from '../kinds/yaml-text.ts'
import { LaunchError } from './component-flags.ts'
import type { ComponentFlags } from './component-flags.ts'
import { fileText } from './launch-files.ts'
import type { LaunchPlace } from './launch-files.ts'

interface AdmissionConfiguration {
  kind?: string
  plugins?: { name?: string; path?: string; configuration?: Record<string, unknown> }[]
}

interface ImagePolicyFile {
  imagePolicy?: { kubeConfigFile?: string; allowTTL?: number; denyTTL?: number; retryBackoff?: number; defaultAllow?: boolean }
}

interface PodSecurityFile {
  defaults?: Record<string, string>
  exemptions?: { usernames?: string[]; namespaces?: string[]; runtimeClasses?: string[] }
}

/** In seconds. k8s: plugin/pkg/admission/imagepolicy/config.go */
const DEFAULT_TTL_SECONDS = 300
const LEVELS = ['privileged', 'baseline', 'restricted']

/** What --admission-control-config-file says of the plugins that are here. @throws LaunchError. k8s: apiserver/pkg/admission/config.go */
export function admissionConfiguration(flags: ComponentFlags, place: LaunchPlace): { podSecurity: PodSecuritySettings | undefined; imagePolicy: ImagePolicySettings | undefined } {
  const path = flags.text('admission-control-config-file')
  const imagesAreAsked = flags.list('enable-admission-plugins').includes('ImagePolicyWebhook')
  const initFailure = (plugin: string, why: string) => new LaunchError(`failed to apply admission: couldn't init admission plugin ${JSON.stringify(plugin)}: ${why}`)
  if (!path) {
    if (imagesAreAsked) throw initFailure('ImagePolicyWebhook', 'no config specified')
    return { podSecurity: undefined, imagePolicy: undefined }
  }
  const reading = `failed to apply admission: failed to read plugin config: unable to read admission control configuration from ${JSON.stringify(path)} [%s]`
  const configuration = yamlOf<AdmissionConfiguration>(fileText(place, path, reading), (why) => new LaunchError(`failed to apply admission: failed to read plugin config: ${why}`))
  const settingsOf = <T>(name: string): T | undefined => {
    const plugin = configuration.plugins?.find((each) => each.name === name)
    if (!plugin) return undefined
    if (!plugin.path) return plugin.configuration as T | undefined
    // Beside the file that names it.
    const file = plugin.path.startsWith('/') ? plugin.path : `${path.slice(0, path.lastIndexOf('/') + 1)}${plugin.path}`
    return yamlOf<T>(fileText(place, file, `failed to apply admission: couldn't init admission plugin ${JSON.stringify(name)}: %s`), (why) => initFailure(name, why))
  }
  return { podSecurity: podSecurityOf(settingsOf<PodSecurityFile>('PodSecurity'), (why) => initFailure('PodSecurity', why)), imagePolicy: imagesAreAsked ? imagePolicyOf(settingsOf<ImagePolicyFile>('ImagePolicyWebhook'), place, (why) => initFailure('ImagePolicyWebhook', why)) : undefined }
}

function yamlOf<T>(text: string, fail: (why: string) => Error): T {
  try {
    return (parseYaml(text).value ?? {}) as T
  } catch (error) {
    throw fail((error as Error).message)
  }
}

function podSecurityOf(file: PodSecurityFile | undefined, fail: (why: string) => Error): PodSecuritySettings | undefined {
  if (!file) return undefined
  const defaults = file.defaults ?? {}
  for (const mode of ['enforce', 'warn', 'audit']) {
    const level = defaults[mode]
    if (level !== undefined && !LEVELS.includes(level)) throw fail(`defaults.${mode}: Invalid value: ${JSON.stringify(level)}: must be one of ${LEVELS.join(', ')}`)
  }
  const { usernames = [], namespaces = [], runtimeClasses = [] } = file.exemptions ?? {}
  return { defaults, exemptions: { usernames, namespaces, runtimeClasses } }
}

function imagePolicyOf(file: ImagePolicyFile | undefined, place: LaunchPlace, fail: (why: string) => Error): ImagePolicySettings {
  const settings = file?.imagePolicy
  if (!settings) throw fail('no config specified')
  const { kubeConfigFile = '', allowTTL = DEFAULT_TTL_SECONDS, denyTTL = DEFAULT_TTL_SECONDS, defaultAllow = false } = settings
  if (!place.fs.exists(kubeConfigFile)) throw fail(`stat ${kubeConfigFile}: no such file or directory`)
  const kubeconfig = yamlOf<{ 'current-context'?: string; clusters?: { name: string; cluster: { server?: string; 'certificate-authority'?: string; 'certificate-authority-data'?: string } }[]; contexts?: { name: string; context: { cluster?: string } }[] }>(place.fs.readText(kubeConfigFile), fail)
  const context = kubeconfig.contexts?.find(({ name }) => name === kubeconfig['current-context'])?.context
  const cluster = kubeconfig.clusters?.find(({ name }) => name === context?.cluster)?.cluster
  if (!cluster?.server) throw fail('invalid configuration: no configuration has been provided, try setting KUBERNETES_MASTER environment variable')
  const authority = cluster['certificate-authority']
  if (authority !== undefined && !place.fs.exists(authority)) throw fail(`unable to read certificate-authority ${authority} for ${context?.cluster} due to open ${authority}: no such file or directory`)
  const data = cluster['certificate-authority-data']
  return { server: cluster.server, caPem: authority !== undefined ? place.fs.readText(authority) : data !== undefined ? atob(data) : undefined, allowMs: allowTTL * 1000, denyMs: denyTTL * 1000, defaultAllow }
}
