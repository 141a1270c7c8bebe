import { apiError } from '../../kinds/status-error.ts'
import type { Authenticator } from '../seams.ts'

/** Whoever shows nothing. k8s: apiserver/pkg/authentication/request/anonymous */
export const anonymousAuthenticator: Authenticator = {
  authenticate: async () => ({ name: 'system:anonymous', groups: ['system:unauthenticated'] }),
}

/** Whoever shows nothing is turned away. k8s: kube-apiserver --anonymous-auth=false */
export const noAnonymous: Authenticator = {
  async authenticate() { throw apiError.unauthorized() },
}
