import { agnhostImage, glibcDnsTesting, kitten, nautilus, nonRoot, noNewPrivileges } from './agnhost/agnhost.ts'
import { alpine } from './alpine.ts'
import { busybox, e2eBusybox } from './busybox/busybox.ts'
import { debian, ubuntu } from './debian.ts'
import { fluentdImage } from './fluentd.ts'
import { hpaExampleImage } from './http/hpa-example.ts'
import { curlImage, e2eEchoServerImage, echoServerImage, httpEchoImage, httpbinImage } from './http/echo-servers.ts'
import type { ImageDefinition } from './image.ts'
import { ingressNginxImage } from './ingress-nginx/ingress-nginx.ts'
import { webhookCertgenImage } from './ingress-nginx/webhook-certgen.ts'
import { klipperLbImage } from './klipper-lb/klipper-lb.ts'
import { kuardImage } from './kuard/kuard.ts'
import { metricsServerImage } from './metrics-server/metrics-server.ts'
import { sampleApiServerImage } from './sample-apiserver/sample-apiserver.ts'
import { e2eNginx, nginx, nginxAlpine } from './nginx/nginx.ts'
import { pause } from './pause.ts'
import { redis, redisAlpine } from './redis/redis.ts'

/** Every image that registries have. One repository may have several definitions with different tags. */
export const imageCatalogue: readonly ImageDefinition[] = [
  alpine, busybox, e2eBusybox, debian, ubuntu, nginx, nginxAlpine, e2eNginx, pause, agnhostImage, glibcDnsTesting, kitten, nautilus, nonRoot, noNewPrivileges, kuardImage, httpEchoImage, echoServerImage, e2eEchoServerImage, httpbinImage, curlImage, hpaExampleImage, redis, redisAlpine, fluentdImage,
  metricsServerImage, sampleApiServerImage, ingressNginxImage, webhookCertgenImage, klipperLbImage,
]
