import { defineKind } from '../define-kind.ts'
import type { CertificateSigningRequest } from '../generated/types.ts'

export const certificateSigningRequest = defineKind<CertificateSigningRequest>({ group: 'certificates.k8s.io', version: 'v1', resource: 'certificatesigningrequests' })
