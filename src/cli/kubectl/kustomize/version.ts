/** The release of kustomize that kubectl has in it. */
export const KUSTOMIZE_VERSION = 'v5.8.1'
