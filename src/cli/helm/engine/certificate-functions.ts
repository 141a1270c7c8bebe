import type { Clock } from '../../../base/clock.ts'
import type { Random } from '../../../base/random.ts'
import { goFunction } from '../../../cluster/kinds/go-template/values.ts'
import type { GoFunction, GoInt, GoObject } from '../../../cluster/kinds/go-template/values.ts'
import { makeAuthority, makePrivateKey, makeSelfSigned, makeSigned } from './certificates.ts'
import type { MadeCertificate } from './certificates.ts'
import { goStruct } from './objects.ts'
import { textValueOf } from './sprig.ts'

/** Gives what some work results in; each call of the same template is work of its own. */
type Fresh = (what: string, work: () => Promise<unknown>) => unknown

const certificateObject = ({ Cert, Key }: MadeCertificate): GoObject => goStruct('sprig.certificate', { Cert, Key })
const partsOf = (certificate: unknown): MadeCertificate => (certificate as { fields: MadeCertificate }).fields
const LIST = '[]interface {}'

/** The functions of the sprig library that make keys and certificates. */
export function certificateFunctions({ clock, random }: { clock: Pick<Clock, 'nowMs'>; random: Random }, fresh: Fresh): Record<string, GoFunction> {
  const subject = (commonName: string, ips: readonly unknown[] | null, names: readonly unknown[] | null, days: GoInt) => ({ commonName, ips: (ips ?? []).map(textValueOf), names: (names ?? []).map(textValueOf), days: days.value, nowMs: clock.nowMs(), random })
  const made = (what: string, work: () => Promise<MadeCertificate>) => fresh(what, () => work().then(certificateObject))
  return {
    genPrivateKey: goFunction('string', (kind: string) => fresh(`key ${kind}`, () => makePrivateKey(kind))),
    genCA: goFunction('string, int', (name: string, days: GoInt) => made(`ca ${name}`, () => makeAuthority(subject(name, [], [], days)))),
    genCAWithKey: goFunction('string, int, string', (name: string, days: GoInt, key: string) => made(`ca ${name}`, () => makeAuthority(subject(name, [], [], days), key))),
    genSelfSignedCert: goFunction(`string, ${LIST}, ${LIST}, int`, (name: string, ips: unknown[], names: unknown[], days: GoInt) => made(`self ${name}`, () => makeSelfSigned(subject(name, ips, names, days)))),
    genSelfSignedCertWithKey: goFunction(`string, ${LIST}, ${LIST}, int, string`, (name: string, ips: unknown[], names: unknown[], days: GoInt, key: string) => made(`self ${name}`, () => makeSelfSigned(subject(name, ips, names, days), key))),
    genSignedCert: goFunction(`string, ${LIST}, ${LIST}, int, sprig.certificate`, (name: string, ips: unknown[], names: unknown[], days: GoInt, authority) => made(`signed ${name}`, () => makeSigned(subject(name, ips, names, days), partsOf(authority)))),
    genSignedCertWithKey: goFunction(`string, ${LIST}, ${LIST}, int, sprig.certificate, string`, (name: string, ips: unknown[], names: unknown[], days: GoInt, authority, key: string) => made(`signed ${name}`, () => makeSigned(subject(name, ips, names, days), partsOf(authority), key))),
    buildCustomCert: goFunction('string, string', (certificate: string, key: string) => certificateObject({ Cert: decoded(certificate), Key: decoded(key) })),
  }
}

/** @throws Error for text that isn't base64 */
function decoded(text: string): string {
  try {
    return atob(text)
  } catch {
    throw new Error('unable to decode base64 certificate')
  }
}

