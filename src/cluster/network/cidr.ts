/** An IPv4 address as a number. @throws Error for anything else. */
export function parseIPv4(text: string): number {
  const parts = text.split('.')
  let out = 0
  if (parts.length !== 4) throw new Error(`invalid IPv4 address "${text}"`)
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) throw new Error(`invalid IPv4 address "${text}"`)
    out = out * 256 + Number(part)
  }
  return out
}

export function formatIPv4(address: number): string {
  return [address / 2 ** 24, address / 2 ** 16, address / 2 ** 8, address].map((x) => Math.floor(x) % 256).join('.')
}

/** First address and number of addresses of a range such as `10.244.1.0/24`. */
export function parseCidr(text: string): { first: number; size: number } {
  const [address, bits] = text.split('/')
  const prefix = Number(bits)
  if (!/^\d{1,2}$/.test(bits ?? '') || prefix > 32) throw new Error(`invalid CIDR "${text}"`)
  const size = 2 ** (32 - prefix)
  const value = parseIPv4(address!)
  return { first: value - (value % size), size }
}

export function cidrContains(cidr: { first: number; size: number }, address: number): boolean {
  return address >= cidr.first && address < cidr.first + cidr.size
}
