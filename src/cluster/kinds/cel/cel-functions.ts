/** Every function that expressions in Kubernetes may call, as `target::name(arguments) result`. k8s: cel-go/common/stdlib, ext; apiserver/pkg/cel/library */
const DURATION = 'google.protobuf.Duration'
const TIME = 'google.protobuf.Timestamp'

const ORDERED = ['bool', 'int', 'uint', 'double', 'string', 'bytes', DURATION, TIME]
const NUMBERS = ['int', 'uint', 'double']

const operators = [
  '!_(bool) bool', '_?_:_(bool, A, A) A', '_==_(A, A) bool', '_!=_(A, A) bool', '_&&_(bool, bool) bool', '_||_(bool, bool) bool', '@in(A, list(A)) bool', '@in(A, map(A, B)) bool',
  '-_(int) int', '-_(double) double', '_%_(int, int) int', '_%_(uint, uint) uint',
  ...['_<_', '_<=_', '_>_', '_>=_'].flatMap((op) => [...ORDERED.map((type) => `${op}(${type}, ${type}) bool`), ...NUMBERS.flatMap((a) => NUMBERS.filter((b) => b !== a).map((b) => `${op}(${a}, ${b}) bool`))]),
  ...['_+_', '_-_', '_*_', '_/_'].flatMap((op) => NUMBERS.map((type) => `${op}(${type}, ${type}) ${type}`)),
  '_+_(string, string) string', '_+_(bytes, bytes) bytes', '_+_(list(A), list(A)) list(A)', `_+_(${DURATION}, ${DURATION}) ${DURATION}`, `_+_(${DURATION}, ${TIME}) ${TIME}`, `_+_(${TIME}, ${DURATION}) ${TIME}`,
  `_-_(${DURATION}, ${DURATION}) ${DURATION}`, `_-_(${TIME}, ${DURATION}) ${TIME}`, `_-_(${TIME}, ${TIME}) ${DURATION}`,
]

const standard = [
  ...['string', 'bytes', 'list(A)', 'map(A, B)'].flatMap((type) => [`size(${type}) int`, `${type}::size() int`]),
  ...['int', 'uint', 'double', 'string', TIME, DURATION].map((type) => `int(${type}) int`), ...['int', 'uint', 'double', 'string'].map((type) => `uint(${type}) uint`),
  ...['int', 'uint', 'double', 'string'].map((type) => `double(${type}) double`), ...['bool', 'int', 'uint', 'double', 'string', 'bytes', TIME, DURATION].map((type) => `string(${type}) string`),
  'bool(bool) bool', 'bool(string) bool', 'bytes(string) bytes', 'bytes(bytes) bytes', 'dyn(A) dyn', 'type(A) type(A)', `duration(string) ${DURATION}`, `duration(${DURATION}) ${DURATION}`, `duration(int) ${DURATION}`,
  `timestamp(string) ${TIME}`, `timestamp(${TIME}) ${TIME}`, `timestamp(int) ${TIME}`, 'matches(string, string) bool', 'string::matches(string) bool', 'string::contains(string) bool', 'string::startsWith(string) bool',
  'string::endsWith(string) bool',
  ...['getFullYear', 'getMonth', 'getDayOfYear', 'getDayOfMonth', 'getDate', 'getDayOfWeek', 'getHours', 'getMinutes', 'getSeconds', 'getMilliseconds'].flatMap((name) => [`${TIME}::${name}() int`, `${TIME}::${name}(string) int`]),
  ...['getHours', 'getMinutes', 'getSeconds', 'getMilliseconds'].map((name) => `${DURATION}::${name}() int`),
]

const strings = [
  'string::charAt(int) string', 'string::indexOf(string) int', 'string::indexOf(string, int) int', 'string::lastIndexOf(string) int', 'string::lastIndexOf(string, int) int', 'string::lowerAscii() string', 'string::upperAscii() string',
  'string::replace(string, string) string', 'string::replace(string, string, int) string', 'string::split(string) list(string)', 'string::split(string, int) list(string)', 'string::substring(int) string',
  'string::substring(int, int) string', 'string::trim() string', 'string::format(list(dyn)) string', 'list(string)::join() string', 'list(string)::join(string) string', 'strings.quote(string) string',
  'string::find(string) string', 'string::findAll(string) list(string)', 'string::findAll(string, int) list(string)',
]

const lists = [
  ...['int', 'uint', 'double', 'bool', 'string', 'bytes', DURATION, TIME].flatMap((type) => [`list(${type})::isSorted() bool`, `list(${type})::min() ${type}`, `list(${type})::max() ${type}`]),
  ...['int', 'uint', 'double', DURATION].map((type) => `list(${type})::sum() ${type}`), 'list(A)::indexOf(A) int', 'list(A)::lastIndexOf(A) int', 'sets.contains(list(A), list(A)) bool', 'sets.equivalent(list(A), list(A)) bool',
  'sets.intersects(list(A), list(A)) bool',
  ...['int', 'uint', 'double', 'bool', DURATION, TIME, 'string', 'bytes'].map((type) => `list(${type})::sort() list(${type})`),
  'list(A)::slice(int, int) list(A)', 'list(list(A))::flatten() list(A)', 'list(dyn)::flatten(int) list(dyn)', 'lists.range(int) list(int)', 'list(A)::reverse() list(A)', 'list(A)::distinct() list(A)',
]

const kubernetes = [
  'url(string) kubernetes.URL', 'isURL(string) bool', ...['getScheme', 'getHost', 'getHostname', 'getPort', 'getEscapedPath'].map((name) => `kubernetes.URL::${name}() string`), 'kubernetes.URL::getQuery() map(string, list(string))',
  'quantity(string) kubernetes.Quantity', 'isQuantity(string) bool', ...['isLessThan', 'isGreaterThan'].map((name) => `kubernetes.Quantity::${name}(kubernetes.Quantity) bool`),
  'kubernetes.Quantity::compareTo(kubernetes.Quantity) int', 'sign(kubernetes.Quantity) int', 'kubernetes.Quantity::isInteger() bool', 'kubernetes.Quantity::asInteger() int', 'kubernetes.Quantity::asApproximateFloat() double',
  ...['add', 'sub'].flatMap((name) => [`kubernetes.Quantity::${name}(kubernetes.Quantity) kubernetes.Quantity`, `kubernetes.Quantity::${name}(int) kubernetes.Quantity`]),
  'ip(string) net.IP', 'isIP(string) bool', 'ip.isCanonical(string) bool', 'net.IP::family() int', ...['isUnspecified', 'isLoopback', 'isLinkLocalMulticast', 'isLinkLocalUnicast', 'isGlobalUnicast'].map((name) => `net.IP::${name}() bool`),
  'string(net.IP) string', 'cidr(string) net.CIDR', 'isCIDR(string) bool', 'net.CIDR::containsIP(string) bool', 'net.CIDR::containsIP(net.IP) bool', 'net.CIDR::containsCIDR(string) bool', 'net.CIDR::containsCIDR(net.CIDR) bool',
  'net.CIDR::ip() net.IP', 'net.CIDR::masked() net.CIDR', 'net.CIDR::prefixLength() int', 'string(net.CIDR) string',
  'format.named(string) optional_type(kubernetes.NamedFormat)', ...['dns1123Label', 'dns1123Subdomain', 'dns1035Label', 'qualifiedName', 'dns1123LabelPrefix', 'dns1123SubdomainPrefix', 'dns1035LabelPrefix', 'labelValue', 'uri', 'uuid', 'byte', 'date', 'datetime'].map((name) => `format.${name}() kubernetes.NamedFormat`),
  'kubernetes.NamedFormat::validate(string) optional_type(list(string))', 'semver(string) kubernetes.Semver', 'semver(string, bool) kubernetes.Semver', 'isSemver(string) bool', 'isSemver(string, bool) bool',
  ...['isLessThan', 'isGreaterThan'].map((name) => `kubernetes.Semver::${name}(kubernetes.Semver) bool`), 'kubernetes.Semver::compareTo(kubernetes.Semver) int', ...['major', 'minor', 'patch'].map((name) => `kubernetes.Semver::${name}() int`),
  'jsonpatch.escapeKey(string) string',
  'kubernetes.authorization.Authorizer::path(string) kubernetes.authorization.PathCheck', 'kubernetes.authorization.Authorizer::group(string) kubernetes.authorization.GroupCheck',
  'kubernetes.authorization.Authorizer::serviceAccount(string, string) kubernetes.authorization.Authorizer', 'kubernetes.authorization.GroupCheck::resource(string) kubernetes.authorization.ResourceCheck',
  ...['subresource', 'namespace', 'name', 'fieldSelector', 'labelSelector'].map((name) => `kubernetes.authorization.ResourceCheck::${name}(string) kubernetes.authorization.ResourceCheck`),
  'kubernetes.authorization.ResourceCheck::check(string) kubernetes.authorization.Decision', 'kubernetes.authorization.PathCheck::check(string) kubernetes.authorization.Decision',
  'kubernetes.authorization.Decision::allowed() bool', 'kubernetes.authorization.Decision::reason() string', 'kubernetes.authorization.Decision::errored() bool', 'kubernetes.authorization.Decision::error() string',
]

const optionals = [
  'optional.of(A) optional_type(A)', 'optional.ofNonZeroValue(A) optional_type(A)', 'optional.none() optional_type(A)', 'optional_type(A)::value() A', 'optional_type(A)::hasValue() bool', 'optional_type(A)::orValue(A) A',
  'optional_type(A)::or(optional_type(A)) optional_type(A)', 'list(A)::first() optional_type(A)', 'list(A)::last() optional_type(A)', 'optional.unwrap(list(optional_type(A))) list(A)', 'list(optional_type(A))::unwrapOpt() list(A)',
]

export const CEL_FUNCTIONS: readonly string[] = [...operators, ...standard, ...strings, ...lists, ...kubernetes, ...optionals]
