/** How the API names a container: with its runtime. k8s: pkg/kubelet/container ContainerID.String */
export function containerIdText(runtimeName: string, id: string): string {
  return `${runtimeName}://${id}`
}

/** A container's id as its runtime knows it, of what the API says; empty where that names none. k8s: ContainerID.ParseString */
export function bareContainerId(text: string | undefined): string {
  return text?.split('://')[1] ?? ''
}
