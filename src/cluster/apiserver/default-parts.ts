import { anonymousAuthenticator, noAnonymous } from './auth/anonymous-authenticator.ts'
import { accessReviews } from './auth/access-reviews.ts'
import { bearerTokenAuthenticator } from './auth/bearer-token-authenticator.ts'
import { clientCertificateAuthenticator } from './auth/client-certificate-authenticator.ts'
import { NodeAuthorizer } from './auth/node-authorizer.ts'
import { requestHeaderAuthenticator } from './auth/request-header-authenticator.ts'
import { RbacAuthorizer } from './auth/rbac-authorizer.ts'
import { unionAuthorizer } from './auth/union-authorizer.ts'
import { imagePolicyWebhook } from './admission/image-policy-webhook.ts'
import { podSecurityOf } from './admission/pod-security.ts'
import { configuredPlugins, defaultAdmission } from './admission/default-chain.ts'
import { KUBEADM_CONFIGURATION } from './configuration.ts'
import type { AuthorizationMode } from './configuration.ts'
import type { Authorizer } from './seams.ts'
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
  return ({ reader, api, clock, random, dialer }) => {
    const tokens = new ServiceAccountTokens({ key: sign ? { ...pki.tokenKey, sign } : pki.tokenKey, clock, random: random.fork('tokens'), reader, api })
    const rbac = new RbacAuthorizer(reader)
    const modes: Readonly<Record<AuthorizationMode, Authorizer>> = { Node: new NodeAuthorizer(reader), RBAC: rbac, AlwaysAllow: { authorize: () => ({ allowed: true }) }, AlwaysDeny: { authorize: () => ({ allowed: false, reason: 'Everything is forbidden.' }) } }
    const plugins = defaultAdmission({ reader, rbac, clock, random: random.fork('admission'), dialer })
    let configuration = KUBEADM_CONFIGURATION
    const authenticators = () => [
      requestHeaderAuthenticator({ caCertificatePem: pki.frontProxyCaCertificatePem, allowedNames: ['front-proxy-client'] }, clock), clientCertificateAuthenticator(pki, clock),
      bearerTokenAuthenticator(tokens, reader, clock, () => configuration.staticTokens), configuration.anonymousAuth ? anonymousAuthenticator : noAnonymous,
    ]
    const authorizers = () => unionAuthorizer(...configuration.authorizationModes.map((mode) => modes[mode]))
    const current = { authenticators: authenticators(), authorizer: authorizers() }
    return {
      get authenticators() { return current.authenticators },
      authorizer: { authorize: (attributes) => current.authorizer.authorize(attributes) },
      admission: plugins,
      configure(next) {
        configuration = next
        current.authenticators = authenticators()
        current.authorizer = authorizers()
        const { podSecurity, imagePolicy, enabledPlugins } = next
        const all = podSecurity ? plugins.map((plugin) => plugin.name === 'PodSecurity' ? podSecurityOf(podSecurity) : plugin) : plugins
        return [...configuredPlugins(all, next), ...(imagePolicy && dialer && enabledPlugins.includes('ImagePolicyWebhook') ? [imagePolicyWebhook(imagePolicy, { clock, dialer })] : [])]
      },
      virtualResources: [...accessReviews(rbac), ...tokenResources(tokens)],
      published: issuerDiscovery(pki.tokenKey, serverUrl, clock),
    }
  }
}
