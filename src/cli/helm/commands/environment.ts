import { TemplateSet } from '../../../cluster/kinds/go-template/go-template.ts'
import { goStruct } from '../engine/objects.ts'
import { BUILD_INFO, HELM_VERSION } from '../version.ts'
import type { HelmCommand } from './command.ts'

export const versionCommand: HelmCommand = async (session) => {
  const { flags } = session
  const template = flags.str('template')
  if (template) {
    const set = new TemplateSet()
    set.parse('_', template)
    session.out(set.execute('_', goStruct('version.BuildInfo', BUILD_INFO)))
  } else if (flags.bool('short')) session.out(`${HELM_VERSION}\n`)
  else session.out(`version.BuildInfo{${Object.entries(BUILD_INFO).map(([key, value]) => `${key}:${JSON.stringify(value)}`).join(', ')}}\n`)
}

export const envCommand: HelmCommand = async (session) => {
  const { flags, proc } = session
  const either = (flag: string, variable: string, standard = '') => flags.changed(flag) ? flags.str(flag) : proc.env[variable] ?? standard
  const variables: Record<string, string> = {
    HELM_BIN: 'helm', HELM_BURST_LIMIT: flags.changed('burst-limit') ? String(flags.int('burst-limit')) : proc.env['HELM_BURST_LIMIT'] ?? '100', HELM_CACHE_HOME: session.cacheHome, HELM_CONFIG_HOME: session.configHome,
    HELM_DATA_HOME: session.dataHome, HELM_DEBUG: String(session.isDebug), HELM_KUBEAPISERVER: either('kube-apiserver', 'HELM_KUBEAPISERVER'),
    HELM_KUBEASGROUPS: flags.changed('kube-as-group') ? flags.list('kube-as-group').join(',') : proc.env['HELM_KUBEASGROUPS'] ?? '', HELM_KUBEASUSER: either('kube-as-user', 'HELM_KUBEASUSER'),
    HELM_KUBECAFILE: either('kube-ca-file', 'HELM_KUBECAFILE'), HELM_KUBECONTEXT: either('kube-context', 'HELM_KUBECONTEXT'),
    HELM_KUBEINSECURE_SKIP_TLS_VERIFY: String(flags.bool('kube-insecure-skip-tls-verify') || proc.env['HELM_KUBEINSECURE_SKIP_TLS_VERIFY'] === 'true'),
    HELM_KUBETLS_SERVER_NAME: either('kube-tls-server-name', 'HELM_KUBETLS_SERVER_NAME'), HELM_KUBETOKEN: either('kube-token', 'HELM_KUBETOKEN'), HELM_MAX_HISTORY: String(session.maxHistory),
    HELM_NAMESPACE: session.namespace, HELM_PLUGINS: proc.env['HELM_PLUGINS'] || `${session.dataHome}/plugins`, HELM_QPS: Number(either('qps', 'HELM_QPS', '0')).toFixed(2), HELM_REGISTRY_CONFIG: session.registryConfig,
    HELM_REPOSITORY_CACHE: session.repositoryCache, HELM_REPOSITORY_CONFIG: session.repositoryConfig,
  }
  const [wanted] = session.args
  session.out(wanted === undefined ? Object.keys(variables).sort().map((name) => `${name}=${JSON.stringify(variables[name])}\n`).join('') : `${variables[wanted] ?? ''}\n`)
}
