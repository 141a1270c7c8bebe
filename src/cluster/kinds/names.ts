/** Rules for names, labels and keys. Each returns messages, none when the value is fine. k8s: apimachinery/pkg/util/validation, api/validate/content */

/** A rule for names: `isPrefix` when a suffix will be added to the text. k8s: ValidateNameFunc */
export type NameRule = (name: string, isPrefix: boolean) => string[]

const DNS_LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const DNS_SUBDOMAIN = `${DNS_LABEL}(\\.${DNS_LABEL})*`
const DNS_1035_LABEL = '[a-z]([-a-z0-9]*[a-z0-9])?'
const QUALIFIED_NAME = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'
const LABEL_VALUE = `(${QUALIFIED_NAME})?`
const CONFIG_KEY = '[-._a-zA-Z0-9]+'
const PERCENT = '[0-9]+%'
const HEADER_NAME = '[-A-Za-z0-9]+'
const C_IDENTIFIER = '[A-Za-z_][A-Za-z0-9_]*'
const WILDCARD_SUBDOMAIN = `\\*\\.${DNS_SUBDOMAIN}`
const CONDITION_REASON = '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?'

const whole = (pattern: string) => new RegExp(`^(?:${pattern})$`)
const dnsLabel = whole(DNS_LABEL)
const dnsSubdomain = whole(DNS_SUBDOMAIN)
const dns1035Label = whole(DNS_1035_LABEL)
const qualifiedName = whole(QUALIFIED_NAME)
const labelValue = whole(LABEL_VALUE)
const configKey = whole(CONFIG_KEY)
const wildcardSubdomain = whole(WILDCARD_SUBDOMAIN)
const cIdentifier = whole(C_IDENTIFIER)

/** Length in bytes, which is what Go counts. */
export function byteLength(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c < 0x80) continue
    if (c < 0x800) bytes += 1
    else if (c >= 0xd800 && c < 0xdc00) {
      bytes += 2
      i++
    } else bytes += 2
  }
  return bytes
}

const tooLongText = (length: number) => `must be no more than ${length} characters`

const tooManyBytes = (length: number) => `must be no more than ${length} bytes`
export const rangeText = (low: number, high: number) => `must be between ${low} and ${high}, inclusive`
const EMPTY_TEXT = 'must be non-empty'

/** k8s: RegexError */
export function patternText(message: string, pattern: string, ...examples: string[]): string {
  if (examples.length === 0) return `${message} (regex used for validation is '${pattern}')`
  return `${message} (e.g. ${examples.map((example) => `'${example}', `).join(' or ')}regex used for validation is '${pattern}')`
}

/** k8s: IsDNS1123Label */
export function dnsLabelProblems(value: string): string[] {
  const problems: string[] = []
  if (byteLength(value) > 63) problems.push(tooLongText(63))
  if (!dnsLabel.test(value)) {
    problems.push(dnsSubdomain.test(value)
      ? 'must not contain dots'
      : patternText("a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character", DNS_LABEL, 'my-name', '123-abc'))
  }
  return problems
}

/** k8s: IsDNS1123Subdomain */
export function dnsSubdomainProblems(value: string): string[] {
  const problems: string[] = []
  if (byteLength(value) > 253) problems.push(tooLongText(253))
  if (!dnsSubdomain.test(value)) {
    problems.push(patternText("a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character", DNS_SUBDOMAIN, 'example.com'))
  }
  return problems
}

/** k8s: IsDNS1035Label */
export function dns1035LabelProblems(value: string): string[] {
  const problems: string[] = []
  if (byteLength(value) > 63) problems.push(tooLongText(63))
  if (!dns1035Label.test(value)) {
    problems.push(patternText("a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character", DNS_1035_LABEL, 'my-name', 'abc-123'))
  }
  return problems
}

/** k8s: IsWildcardDNS1123Subdomain */
export function wildcardSubdomainProblems(value: string): string[] {
  const problems: string[] = []
  if (byteLength(value) > 253) problems.push(tooLongText(253))
  if (!wildcardSubdomain.test(value)) {
    problems.push(patternText("a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character", WILDCARD_SUBDOMAIN, '*.example.com'))
  }
  return problems
}

/** A label or annotation key: an optional DNS prefix and a name. k8s: content.IsLabelKey (IsQualifiedName) */
export function labelKeyProblems(value: string): string[] {
  const problems: string[] = []
  const parts = value.split('/')
  let name = value
  if (parts.length === 1) name = parts[0]!
  else if (parts.length === 2) {
    const prefix = parts[0]!
    name = parts[1]!
    if (prefix.length === 0) problems.push(`prefix part ${EMPTY_TEXT}`)
    else problems.push(...dnsSubdomainProblems(prefix).map((problem) => `prefix part ${problem}`))
  } else {
    return [`a valid label key ${patternText("must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character", QUALIFIED_NAME, 'MyName', 'my.name', '123-abc')} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`]
  }
  if (name.length === 0) problems.push(`name part ${EMPTY_TEXT}`)
  else if (byteLength(name) > 63) problems.push(`name part ${tooManyBytes(63)}`)
  if (!qualifiedName.test(name)) {
    problems.push(`name part ${patternText("must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character", QUALIFIED_NAME, 'MyName', 'my.name', '123-abc')}`)
  }
  return problems
}

/** k8s: content.IsLabelValue */
export function labelValueProblems(value: string): string[] {
  const problems: string[] = []
  if (byteLength(value) > 63) problems.push(tooManyBytes(63))
  if (!labelValue.test(value)) {
    problems.push(patternText("a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character", LABEL_VALUE, 'MyValue', 'my_value', '12345'))
  }
  return problems
}

/** k8s: IsConfigMapKey */
export function configKeyProblems(value: string): string[] {
  const problems: string[] = []
  if (byteLength(value) > 253) problems.push(tooLongText(253))
  if (!configKey.test(value)) {
    problems.push(patternText("a valid config key must consist of alphanumeric characters, '-', '_' or '.'", CONFIG_KEY, 'key.name', 'KEY_NAME', 'key-name'))
  }
  if (value === '.') problems.push("must not be '.'")
  else if (value === '..') problems.push("must not be '..'")
  else if (value.startsWith('..')) problems.push("must not start with '..'")
  return problems
}

/** k8s: IsRelaxedEnvVarName */
export function envVarNameProblems(value: string): string[] {
  if (value.length === 0) return [`environment variable name ${EMPTY_TEXT}`]
  if (!/^[\x20-\x7e]*$/.test(value) || value.includes('=')) return ["a valid environment variable name must consist only of printable ASCII characters other than '='"]
  return []
}

/** k8s: IsCIdentifier */
export function cIdentifierProblems(value: string): string[] {
  return cIdentifier.test(value) ? [] : [patternText("a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'", C_IDENTIFIER, 'my_name', 'MY_NAME', 'MyName')]
}

/** k8s: IsValidPortNum */
export function portNumberProblems(port: number): string[] {
  return port >= 1 && port <= 65535 ? [] : [rangeText(1, 65535)]
}

/** k8s: IsValidPortName */
export function portNameProblems(port: string): string[] {
  const problems: string[] = []
  if (byteLength(port) > 15) problems.push(tooLongText(15))
  if (!/^[-a-z0-9]+$/.test(port)) problems.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)')
  if (!/[a-z]/.test(port)) problems.push('must contain at least one letter (a-z)')
  if (port.includes('--')) problems.push('must not contain consecutive hyphens')
  if (port.startsWith('-') || port.endsWith('-')) problems.push('must not begin or end with a hyphen')
  return problems
}

/** k8s: IsValidPercent */
export function percentProblems(value: string): string[] {
  return whole(PERCENT).test(value) ? [] : [patternText("a valid percent string must be a numeric string followed by an ending '%'", PERCENT, '1%', '93%')]
}

/** k8s: IsHTTPHeaderName */
export function headerNameProblems(value: string): string[] {
  return whole(HEADER_NAME).test(value) ? [] : [patternText("a valid HTTP header must consist of alphanumeric characters or '-'", HEADER_NAME, 'X-Header-Name')]
}

/** k8s: apimachinery/pkg/apis/meta/v1/validation isValidConditionReason */
export function conditionReasonProblems(value: string): string[] {
  return whole(CONDITION_REASON).test(value)
    ? []
    : [patternText("a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'", CONDITION_REASON, 'my_name', 'MY_NAME', 'MyName', 'ReasonA,ReasonB', 'ReasonA:ReasonB')]
}

/** k8s: maskTrailingDash */
function maskTrailingDash(name: string, isPrefix: boolean): string {
  return isPrefix && name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name
}

/** Prefixes are judged as if they were names. k8s: ValidateRBACName */
export const rbacName: NameRule = (name) => pathSegmentName(name, false)

/** k8s: NameIsDNSSubdomain */
export const subdomainName: NameRule = (name, isPrefix) => dnsSubdomainProblems(maskTrailingDash(name, isPrefix))
/** Of kinds whose names are declared to be long names: words the limit differently and looks at prefixes but for what URLs forbid. k8s: validate.LongName */
export const declaredLongName: NameRule = (name, isPrefix) => {
  if (isPrefix) return []
  return dnsSubdomainProblems(name).map((problem) => problem === tooLongText(253) ? tooManyBytes(253) : problem)
}
/** k8s: NameIsDNSLabel */
export const labelName: NameRule = (name, isPrefix) => dnsLabelProblems(maskTrailingDash(name, isPrefix))

/** What no name in a URL path may be. k8s: path.ValidatePathSegmentName */
export const pathSegmentName: NameRule = (name, isPrefix) => {
  if (!isPrefix && (name === '.' || name === '..')) return [`may not be '${name}'`]
  return ['/', '%'].filter((illegal) => name.includes(illegal)).map((illegal) => `may not contain '${illegal}'`)
}
