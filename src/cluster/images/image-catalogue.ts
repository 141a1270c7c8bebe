import { agnhostImage, glibcDnsTesting, jessieDnsutils, kitten, livenessImage, nautilus, nonRoot, noNewPrivileges, serveHostnameImage, testWebserverImage } from './agnhost/agnhost.ts'
import { alpine, bashImage } from './alpine.ts'
import { applicationImages } from './applications.ts'
import { hpaExampleImage } from './apache/hpa-example.ts'
import { busybox, busyboxPlus, e2eBusybox, kubernetesBusyboxes } from './busybox/busybox.ts'
import { certManagerImages } from './cert-manager/cert-manager.ts'
import { contourImage } from './contour/contour.ts'
import { debian, ubuntu } from './debian.ts'
import { demoImages } from './demos/demos.ts'
import { artifactImage } from './artifact.ts'
import { envoyImage } from './envoy/envoy.ts'
import { flannelImages } from './flannel/flannel.ts'
import { elasticsearchImages } from './elasticsearch/elasticsearch.ts'
import { fluentBitImages, fluentdDaemonsetImage, fluentdElasticsearchImage, fluentdImage } from './fluent/images.ts'
import { centos, fedora } from './fedora.ts'
import { goproxyImage } from './goproxy.ts'
import { guestbookFollowerImages, guestbookFrontendImages } from './guestbook/guestbook.ts'
import { helloWorldImage } from './hello-world.ts'
import { curlImage, e2eEchoServerImage, echoServerImage, httpEchoImage, httpbinImage } from './http/echo-servers.ts'
import { bootcampImages, helloAppImages, helloFrontendImage, helloGoImage, nodeHelloImage } from './http/google-samples.ts'
import { httpd, httpdAlpine } from './httpd/httpd.ts'
import type { ImageDefinition } from './image.ts'
import { ingressNginxImage } from './ingress-nginx/ingress-nginx.ts'
import { webhookCertgenImage } from './ingress-nginx/webhook-certgen.ts'
import { kindNodeImage } from './kind-node.ts'
import { klipperLbImage } from './klipper-lb/klipper-lb.ts'
import { kuardImage } from './kuard/kuard.ts'
import { metricsServerImages } from './metrics-server/metrics-server.ts'
import { mongoImage } from './mongo/mongo.ts'
import { mysqlImage } from './mysql/mysql.ts'
import { csiImages } from './csi/csi-images.ts'
import { networkToolImages } from './network-tools.ts'
import { draExampleDriverImage } from './dra-example-driver/dra-example-driver.ts'
import { nfsServerImages } from './nfs/nfs-servers.ts'
import { e2eNginx, nginx, nginxAlpine, nginxDerivatives, nginxHttps, nginxSlim } from './nginx/nginx.ts'
import { nodeImages } from './node/node.ts'
import { pause } from './pause.ts'
import { privateWeb } from './private-web.ts'
import { perlImage } from './perl/perl.ts'
import { kubernetesRedis, redis, redisAlpine } from './redis/redis.ts'
import { sampleApiServerImage } from './sample-apiserver/sample-apiserver.ts'
import { gitImage, gitSyncImage } from './git/git.ts'
import { goStressImage } from './stress/go-stress.ts'
import { stressImage } from './stress/stress.ts'
import { traefikImages } from './traefik/traefik.ts'

/** Every image that registries have. One repository may have several definitions with different tags. */
export const imageCatalogue: readonly ImageDefinition[] = [
  alpine, bashImage, busybox, e2eBusybox, ...kubernetesBusyboxes, busyboxPlus, debian, ubuntu, fedora, centos, perlImage, ...nodeImages, nginx, nginxAlpine, e2eNginx, nginxSlim, nginxHttps, ...nginxDerivatives, httpd, httpdAlpine, privateWeb, pause, helloWorldImage,
  agnhostImage, glibcDnsTesting, jessieDnsutils, kitten, nautilus, nonRoot, noNewPrivileges, serveHostnameImage, livenessImage, testWebserverImage,
  kuardImage, httpEchoImage, echoServerImage, e2eEchoServerImage, httpbinImage, curlImage, goproxyImage, ...helloAppImages, ...bootcampImages, nodeHelloImage, helloGoImage, helloFrontendImage,
  redis, redisAlpine, kubernetesRedis, mysqlImage, mongoImage, ...guestbookFrontendImages, ...guestbookFollowerImages, stressImage, goStressImage, hpaExampleImage, ...metricsServerImages, sampleApiServerImage, fluentdImage, fluentdElasticsearchImage, fluentdDaemonsetImage, ...fluentBitImages, ...elasticsearchImages, artifactImage,
  ...flannelImages, ingressNginxImage, webhookCertgenImage, contourImage, envoyImage, ...traefikImages, ...certManagerImages, klipperLbImage, kindNodeImage, gitImage, gitSyncImage, ...nfsServerImages, ...csiImages,
  ...networkToolImages, ...demoImages, ...applicationImages,
  ...flannelImages, ingressNginxImage, webhookCertgenImage, contourImage, envoyImage, ...traefikImages, ...certManagerImages, klipperLbImage, kindNodeImage, gitImage, gitSyncImage, ...nfsServerImages, ...csiImages, draExampleDriverImage,
  ...applicationImages,
]
