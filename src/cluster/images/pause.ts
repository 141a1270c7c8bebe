import { defineImage } from './image.ts'

/** The sandbox container: waits, and adopts orphans. */
export const pause = defineImage({
  repository: 'registry.k8s.io/pause', tags: ['0.8.0', '1.0', '2.0', '3.0', '3.1', '3.2', '3.3', '3.4.1', '3.5', '3.6', '3.7', '3.8', '3.9', '3.10', '3.10.1', '3.10.2', 'latest'], sizeBytes: 320_000, entrypoint: ['/pause'],
  env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' }, user: '65535:65535',
  programs: {
    '/pause': async (proc) => {
      if (proc.argv.includes('-v')) { await proc.stdout.write('pause.c 3.10.1\n'); return 0 }
      await proc.signal('SIGTERM', 'SIGINT')
      await proc.stderr.write('Shutting down, got signal: Terminated\n')
      return 0
    },
  },
})
