/** `192MB`: decimal units, three digits. docker/go-units HumanSizeWithPrecision */
export function humanSize(bytes: number, digits = 3): string {
  return scaled(bytes, 1000, ['B', 'kB', 'MB', 'GB', 'TB', 'PB'], digits)
}

/** `7.6MiB`: binary units, four digits. docker/go-units BytesSize */
export function binarySize(bytes: number): string {
  return scaled(bytes, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'], 4)
}

function scaled(bytes: number, base: number, units: readonly string[], digits: number): string {
  let value = bytes
  let unit = 0
  while (value >= base && unit < units.length - 1) { value /= base; unit += 1 }
  return `${Number(value.toPrecision(digits))}${units[unit]}`
}

const FACTORS: Readonly<Record<string, number>> = { '': 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 }

/** Bytes of `200m`, `1g` and the like; undefined for anything else. docker/go-units RAMInBytes */
export function ramInBytes(text: string): number | undefined {
  const [, number, unit] = /^(\d+(?:\.\d+)?) ?([bkmgt]?)(?:i?b)?$/i.exec(text) ?? []
  return number === undefined ? undefined : Math.floor(Number(number) * FACTORS[unit!.toLowerCase()]!)
}
