/** One directive of httpd's configuration; a section (`<Directory ...>`) has those inside. */
export interface HttpdDirective {
  /** In lower case: names are written any way. */
  name: string
  args: string[]
  file: string
  line: number
  section?: HttpdDirective[]
}

/** A configuration that httpd refuses; the message is what it prints. */
export class HttpdConfigError extends Error {}

/** Directives that the modules of the official image bring, as far as they mean anything here or do no harm. */
const KNOWN = new Set([
  'accessfilename', 'addcharset', 'adddefaultcharset', 'addencoding', 'addhandler', 'addicon', 'addlanguage', 'addoutputfilter', 'addoutputfilterbytype', 'addtype', 'alias', 'aliasmatch', 'allow', 'allowencodedslashes',
  'allowoverride', 'authname', 'authtype', 'authuserfile', 'authbasicprovider', 'balancermember', 'browsermatch', 'customlog', 'define', 'deny', 'directoryindex', 'directoryslash', 'documentroot', 'enablesendfile', 'enablemmap', 'errordocument', 'errorlog', 'errorlogformat', 'expiresactive',
  'expiresbytype', 'expiresdefault', 'extendedstatus', 'fallbackresource', 'fileetag', 'forcetype', 'group', 'header', 'hostnamelookups', 'include', 'includeoptional', 'indexoptions', 'keepalive', 'keepalivetimeout', 'limitrequestbody', 'limitrequestfieldsize', 'listen', 'loadmodule',
  'logformat', 'loglevel', 'maxconnectionsperchild', 'maxkeepaliverequests', 'maxrequestworkers', 'maxsparethreads', 'minsparethreads', 'mimemagicfile', 'mutex', 'options', 'order', 'passenv', 'pidfile', 'protocols', 'proxypass', 'proxypassreverse', 'proxypreservehost', 'proxyrequests', 'proxytimeout', 'redirect',
  'redirectmatch', 'redirectpermanent', 'redirecttemp', 'requestheader', 'require', 'rewritebase', 'rewritecond', 'rewriteengine', 'rewriterule', 'satisfy', 'scoreboardfile', 'scriptalias', 'scriptsock', 'serveradmin', 'serveralias', 'serverlimit', 'servername', 'serverroot', 'serversignature', 'servertokens', 'setenv',
  'setenvif', 'setenvifnocase', 'sethandler', 'setoutputfilter', 'sslengine', 'sslrandomseed', 'startservers', 'substitute', 'threadlimit', 'threadsperchild', 'timeout', 'traceenable', 'typesconfig', 'undefine', 'unsetenv', 'usecanonicalname', 'user', 'threadstacksize', 'remoteipheader', 'remoteipinternalproxy',
])
const SECTIONS = new Set(['directory', 'directorymatch', 'files', 'filesmatch', 'if', 'else', 'elseif', 'ifdefine', 'ifmodule', 'ifversion', 'limit', 'limitexcept', 'location', 'locationmatch', 'proxy', 'proxymatch', 'requireall', 'requireany', 'requirenone', 'virtualhost'])

/** Words of a line: parted by blanks, quoted where they hold some. */
function words(text: string): string[] {
  return Array.from(text.matchAll(/"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(\S+)/g), ([, double, single, bare]) => double !== undefined ? double.replace(/\\(["\\])/g, '$1') : single ?? bare!)
}

const refusal = (file: string, line: number, text: string) => new HttpdConfigError(`AH00526: Syntax error on line ${line} of ${file}:\n${text}\n`)

/**
 * Parses one file of httpd's configuration. Modules that the image has not loaded are taken as there.
 * @param hasModule whether what stands in `<IfModule name>` counts.
 * @throws HttpdConfigError
 */
export function parseHttpdConfig(text: string, file: string, hasModule: (name: string) => boolean): HttpdDirective[] {
  const root: HttpdDirective[] = []
  const open: { directives: HttpdDirective[]; name: string; line: number }[] = [{ directives: root, name: '', line: 0 }]
  const lines = text.split('\n')
  for (let i = 0; i < lines.length; i++) {
    const number = i + 1
    let line = lines[i]!
    while (line.endsWith('\\') && i + 1 < lines.length) line = line.slice(0, -1) + lines[++i]!
    line = line.trim()
    if (line === '' || line.startsWith('#')) continue
    const here = open.at(-1)!
    const end = /^<\/(\w+)\s*>$/.exec(line)
    if (end) {
      if (open.length === 1) throw refusal(file, number, `</${end[1]}> without matching <${end[1]}> section`)
      if (end[1]!.toLowerCase() !== here.name) throw refusal(file, number, `Expected </${here.name}> but saw </${end[1]}>`)
      open.pop()
      continue
    }
    const section = /^<(\w+)\s*(.*)>$/.exec(line)
    if (section) {
      const name = section[1]!.toLowerCase()
      if (!SECTIONS.has(name)) throw refusal(file, number, `Invalid command '<${section[1]}', perhaps misspelled or defined by a module not included in the server configuration`)
      const args = words(section[2]!)
      const inside: HttpdDirective[] = []
      // What belongs to a module counts as if it stood by itself, or not at all.
      if (name === 'ifmodule') open.push({ directives: hasModule(args[0]!.replace(/^!/, '')) !== args[0]!.startsWith('!') ? here.directives : [], name, line: number })
      else {
        if (name === 'ifdefine' || name === 'ifversion') open.push({ directives: name === 'ifversion' ? here.directives : [], name, line: number })
        else {
          here.directives.push({ name, args, file, line: number, section: inside })
          open.push({ directives: inside, name, line: number })
        }
      }
      continue
    }
    const [name = '', ...args] = words(line)
    if (!KNOWN.has(name.toLowerCase())) throw refusal(file, number, `Invalid command '${name}', perhaps misspelled or defined by a module not included in the server configuration`)
    here.directives.push({ name: name.toLowerCase(), args, file, line: number })
  }
  const left = open.at(-1)!
  if (open.length > 1) throw refusal(file, left.line, `<${left.name}> was not closed.`)
  return root
}
