import { expect, test } from 'vitest'
import { flagValues, flagzText } from './flagz.ts'

test('flags of the command line are printed as Go does, the others as by default', () => {
  const values = flagValues(['kube-apiserver', '--advertise-address=10.0.0.1', '--authorization-mode=Node,RBAC', '--allow-privileged', '--event-ttl', '90m', '--service-account-issuer=https://a', '--service-account-issuer=https://b', '--feature-gates=B=true,A=false', '--anonymous-auth=F', '--unknown=1'])
  expect(values).toMatchObject({
    'advertise-address': '10.0.0.1', 'external-hostname': '10.0.0.1', 'authorization-mode': '[Node,RBAC]', 'allow-privileged': 'true', 'event-ttl': '1h30m0s', 'service-account-issuer': '[https://a,https://b]', 'feature-gates': 'A=false,B=true',
    'anonymous-auth': 'false', 'oidc-signing-algs': '[RS256]', 'max-requests-inflight': '400',
  })
  expect(Object.keys(values)).toEqual([...Object.keys(values)].sort())
  expect(flagzText(values)).toMatch(/^\napiserver flagz\nWarning: [^\n]+\nadmission-control: \[\]\nadmission-control-config-file: \n/)
})
