const UNITS = ['Ei', 'Pi', 'Ti', 'Gi', 'Mi', 'Ki']

/** A number of bytes as a quantity in binary units. k8s: resource.NewQuantity(BinarySI) */
export function bytesQuantity(bytes: number): string {
  for (const [i, unit] of UNITS.entries()) {
    const size = 1024 ** (UNITS.length - i)
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`
  }
  return String(bytes)
}
