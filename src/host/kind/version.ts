/** The release of kind that this is like: the one for the cluster's version of Kubernetes. */
export const KIND_VERSION = 'v0.32.0'
/** What `kind version` prints. */
export const KIND_VERSION_LINE = `kind ${KIND_VERSION} go1.26.3 linux/amd64`
