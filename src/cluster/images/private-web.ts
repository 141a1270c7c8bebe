import { defineImage } from './image.ts'
import { nginx } from './nginx/nginx.ts'

/** nginx with a page of a team's own, in a registry that wants to know who asks. */
export const privateWeb = defineImage({
  repository: 'registry.drydock.test/learner/web', tags: ['1.0', '1.1', 'latest'], base: nginx, sizeBytes: 62_900_000, credentials: { username: 'learner', password: 'drydock' },
  files: { '/usr/share/nginx/html/index.html': '<!DOCTYPE html>\n<html>\n<head><title>For members only</title></head>\n<body><h1>You had the right pull secret.</h1></body>\n</html>\n' },
})
