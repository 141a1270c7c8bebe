/** Newest first: v2, v1, v1beta2, v1beta1, v1alpha1, then anything else by name. k8s: apimachinery/pkg/version CompareKubeAwareVersionStrings */
export function compareVersions(a: string, b: string): number {
  const rank = (version: string): [number, number, number, number] => {
    const match = /^v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?$/.exec(version)
    if (!match) return [1, 0, 0, 0]
    return [0, match[2] === undefined ? 0 : match[2] === 'beta' ? 1 : 2, -Number(match[1]), -Number(match[3] ?? 0)]
  }
  const left = rank(a)
  const right = rank(b)
  for (let i = 0; i < 4; i++) if (left[i] !== right[i]) return left[i]! - right[i]!
  return a < b ? -1 : a > b ? 1 : 0
}
