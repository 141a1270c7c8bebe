/** k8s: distribution/reference grammar, as far as the server looks at image names */
const REFERENCE = /^(?:(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]+)?\/)?[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*(?::(\w[\w.-]{0,127}))?(@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$/

/** The tag of an image: `latest` when neither tag nor digest is given, empty with a digest only or for what is no image name. k8s: parsers.ParseImageName */
export function imageTag(image: string): string {
  const match = REFERENCE.exec(image)
  if (!match) return ''
  if (match[1] !== undefined) return match[1]
  return match[2] === undefined ? 'latest' : ''
}
