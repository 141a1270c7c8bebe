import { humanDuration } from '../duration.ts'
import { formatLabels } from '../selectors.ts'
import type { Describer } from './describer.ts'
import { rfc1123 } from './writer.ts'

export const certificateSigningRequest: Describer = async (o, w) => {
  const { requestParts } = await import('./certificate-request.ts')
  w.line(0, `Name:\t${o.metadata.name}`)
  w.line(0, `Labels:\t${formatLabels(o.metadata.labels)}`)
  w.line(0, `Annotations:\t${formatLabels(o.metadata.annotations)}`)
  w.line(0, `CreationTimestamp:\t${rfc1123(o.metadata.creationTimestamp)}`)
  w.line(0, `Requesting User:\t${o.spec.username ?? ''}`)
  if (o.spec.signerName) w.line(0, `Signer:\t${o.spec.signerName}`)
  if (o.spec.expirationSeconds !== undefined) w.line(0, `Requested Duration:\t${humanDuration(o.spec.expirationSeconds * 1000)}`)
  const has = (type: string) => (o.status?.conditions ?? []).some((c: any) => c.type === type)
  w.line(0, `Status:\t${has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending'}${has('Failed') ? ',Failed' : ''}${o.status?.certificate ? ',Issued' : ''}`)
  const { subject, names } = requestParts(o.spec.request)
  const list = (name: string, values: string[]) => { if (values.length > 0) w.write(0, `\t${name}:\t${values.join('\n\t\t')}\n`) }
  w.line(0, 'Subject:')
  w.line(0, `\tCommon Name:\t${subject['CN']?.[0] ?? ''}`)
  w.line(0, `\tSerial Number:\t${subject['2.5.4.5']?.[0] ?? ''}`)
  for (const [name, key] of [['Organization', 'O'], ['Organizational Unit', 'OU'], ['Country', 'C'], ['Locality', 'L'], ['Province', 'ST'], ['StreetAddress', '2.5.4.9'], ['PostalCode', '2.5.4.17']] as const) list(name, subject[key] ?? [])
  if (Object.values(names).some((v) => v.length > 0)) {
    w.line(0, 'Subject Alternative Names:')
    list('DNS Names', names.dns)
    list('Email Addresses', names.email)
    list('URIs', names.uri)
    list('IP Addresses', names.ip)
  }
}
