/** k8s: distribution/reference grammar, as far as the server looks at image names */
const REFERENCE = /^(?:(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]+)?\/)?[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*(?::(\w[\w.-]{0,127}))?(@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$/

/** The tag of an image: `latest` when neither tag nor digest is given, empty with a digest only or for what is no image name. k8s: parsers.ParseImageName */
export function imageTag(image: string): string {
  const match = REFERENCE.exec(image)
  if (!match || pathLength(image) > MAX_PATH || /^[a-f0-9]{64}$/.test(image)) return ''
  if (match[1] !== undefined) return match[1]
  return match[2] === undefined ? 'latest' : ''
}

/** k8s: distribution/reference RepositoryNameTotalLengthMax */
const MAX_PATH = 255

/** Length of the repository's path, without registry, tag and digest. */
function pathLength(image: string): number {
  const name = image.split('@')[0]!.replace(/:\w[\w.-]*$/, '')
  const slash = name.indexOf('/')
  if (slash < 0) return 'library/'.length + name.length
  const first = name.slice(0, slash)
  return /[.:A-Z]/.test(first) || first === 'localhost' ? name.length - slash - 1 : name.length
}
