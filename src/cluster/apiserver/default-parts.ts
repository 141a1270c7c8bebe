import { anonymousAuthenticator } from './auth/anonymous-authenticator.ts'
import { accessReviews } from './auth/access-reviews.ts'
import { bearerTokenAuthenticator } from './auth/bearer-token-authenticator.ts'
import { clientCertificateAuthenticator } from './auth/client-certificate-authenticator.ts'
import { NodeAuthorizer } from './auth/node-authorizer.ts'
import { requestHeaderAuthenticator } from './auth/request-header-authenticator.ts'
import { RbacAuthorizer } from './auth/rbac-authorizer.ts'
import { unionAuthorizer } from './auth/union-authorizer.ts'
import { defaultAdmission } from './admission/default-chain.ts'
import type { ApiServerCore, ApiServerParts } from './api-server.ts'
import type { ClusterPki } from './pki/cluster-pki.ts'
import { issuerDiscovery } from './tokens/issuer-discovery.ts'
import { tokenResources } from './tokens/token-resources.ts'
import { ServiceAccountTokens } from './tokens/service-account-tokens.ts'

export interface DefaultPartsOptions {
  pki: ClusterPki
  /** Where the API server is reached from outside, without a slash at the end. */
  serverUrl: string
  /** Signs with the key of the tokens, see Platform.signerOf. */
  sign?: (data: Uint8Array) => Promise<Uint8Array>
}

/** Who may do what, as kubeadm sets up kube-apiserver: certificates, tokens and anonymous; Node and RBAC; the default admission plugins and NodeRestriction. */
export function defaultParts({ pki, serverUrl, sign }: DefaultPartsOptions): (core: ApiServerCore) => ApiServerParts {
  return ({ reader, clock, random, dialer }) => {
    const tokens = new ServiceAccountTokens({ key: sign ? { ...pki.tokenKey, sign } : pki.tokenKey, clock, random: random.fork('tokens'), reader })
    const rbac = new RbacAuthorizer(reader)
    return {
      authenticators: [requestHeaderAuthenticator({ caCertificatePem: pki.frontProxyCaCertificatePem, allowedNames: ['front-proxy-client'] }, clock), clientCertificateAuthenticator(pki, clock), bearerTokenAuthenticator(tokens, reader, clock), anonymousAuthenticator],
      authorizer: unionAuthorizer(new NodeAuthorizer(reader), rbac),
      admission: defaultAdmission({ reader, rbac, clock, random: random.fork('admission'), dialer }),
      virtualResources: [...accessReviews(rbac), ...tokenResources(tokens)],
      published: issuerDiscovery(pki.tokenKey, serverUrl, clock),
    }
  }
}
