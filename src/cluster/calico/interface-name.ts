import { sha1 } from '../../unix/git/sha1.ts'

/** The node's end of a pod's cable. calico: libcalico-go/lib/backend/k8s/conversion VethNameForWorkload */
export const interfaceName = (namespace: string, pod: string) => `cali${sha1(new TextEncoder().encode(`${namespace}.${pod}`)).slice(0, 11)}`
