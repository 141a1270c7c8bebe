import type { Authenticator } from '../seams.ts'

/** Whoever shows nothing. k8s: apiserver/pkg/authentication/request/anonymous */
export const anonymousAuthenticator: Authenticator = {
  authenticate: async () => ({ name: 'system:anonymous', groups: ['system:unauthenticated'] }),
}
