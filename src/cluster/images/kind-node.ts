import { debian } from './debian.ts'
import { defineImage } from './image.ts'

/** The version of Kubernetes that nodes have. */
export const KIND_NODE_VERSION = 'v1.36.3'

/** The image of kind's nodes. Only kind makes machines of it: a container of it alone has no system to start. */
// @k8s part: kindest/node: becomes a node only by kind; a container that is started by hand ends at once
export const kindNodeImage = defineImage({
  repository: 'docker.io/kindest/node',
  tags: [KIND_NODE_VERSION],
  sizeBytes: 420_000_000,
  base: debian,
  entrypoint: ['/usr/local/bin/entrypoint', '/sbin/init'],
  programs: {
    async '/usr/local/bin/entrypoint'(proc) {
      await proc.stderr.write('ERROR: this image starts as a node of a cluster that kind makes, and not by hand\n')
      return 1
    },
  },
})
