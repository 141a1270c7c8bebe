import { digests } from '../../../unix/node/digests.ts'

function hexOf(kind: 'sha1' | 'sha256', text: string): string {
  return [...digests[kind]!(new TextEncoder().encode(text))].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** What tells routers of one IngressRoute apart. k8s: traefik/pkg/provider/kubernetes/crd/name_builder.go makeServiceKey */
export function ruleKey(rule: string): string {
  return hexOf('sha256', rule).slice(0, 20)
}

/** A name for the cookie of a service that was given none. k8s: traefik/pkg/server/cookie GenerateName */
export function cookieName(service: string): string {
  return `_${hexOf('sha1', `_TRAEFIK_BACKEND_${service}`).slice(0, 5)}`
}

/** Stands for a server or service in a cookie. k8s: traefik/pkg/server/service/loadbalancer/sticky.go sha256Hash */
export function stickyMark(name: string): string {
  return hexOf('sha256', name).slice(0, 16)
}
