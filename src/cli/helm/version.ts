/** The release of Helm that this one behaves as. */
export const HELM_VERSION = 'v3.22.0'

/** `helm version`, and `.Capabilities.HelmVersion` of templates. */
export const BUILD_INFO = { Version: HELM_VERSION, GitCommit: '', GitTreeState: 'clean', GoVersion: 'go1.26.8' }

/** The Kubernetes that is assumed where no cluster is asked. */
export const DEFAULT_KUBE_VERSION = { version: 'v1.37.0', major: '1', minor: '37' }
