import { defineImage } from './image.ts'

/** The container that holds a pod's namespaces: waits, and reaps whatever is left to it. */
export const pauseImage = defineImage({
  repository: 'registry.k8s.io/pause',
  tags: ['3.1', '3.5', '3.6', '3.7', '3.8', '3.9', '3.10', '3.10.1', 'latest'],
  sizeBytes: 320_000,
  entrypoint: ['/pause'],
  user: '65535:65535',
  programs: {
    '/pause': async (proc) => {
      if (proc.argv[1] === '-v') { await proc.stdout.write('pause.c 3.10.1\n'); return 0 }
      await proc.signal('SIGTERM', 'SIGINT')
      await proc.stderr.write('Shutting down, got signal: Terminated\n')
      return 0
    },
  },
})
