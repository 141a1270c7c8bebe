/** A statement that MySQL refuses: number, SQLSTATE and text as `mysql` prints them. */
export class SqlError extends Error {
  readonly code: number
  readonly state: string
  constructor(code: number, message: string) {
    super(message)
    this.code = code
    this.state = STATES[code] ?? 'HY000'
  }
}

/** SQLSTATEs by error number; the rest is HY000. */
const STATES: Readonly<Record<number, string>> = {
  1044: '42000', 1045: '28000', 1046: '3D000', 1048: '23000', 1049: '42000', 1050: '42S01', 1051: '42S02', 1052: '23000', 1054: '42S22', 1055: '42000', 1060: '42S21', 1061: '42000', 1062: '23000',
  1064: '42000', 1065: '42000', 1066: '42000', 1067: '42000', 1068: '42000', 1072: '42000', 1075: '42000', 1091: '42000', 1101: '42000', 1109: '42S02', 1110: '42000', 1111: 'HY000', 1113: '42000', 1115: '42000', 1136: '21S01', 1140: '42000',
  1142: '42000', 1146: '42S02', 1222: '21000', 1227: '42000', 1235: '42000', 1241: '21000', 1242: '21000', 1248: '42000', 1264: '22003', 1292: '22007', 1305: '42000', 1317: '70100', 1365: '22012', 1406: '22001', 1410: '42000', 1451: '23000', 1452: '23000', 1582: '42000', 1690: '22003', 1698: '28000', 1826: 'HY000', 3819: 'HY000', 3734: 'HY000',
}

/** What this server can't do, in MySQL's words for what a version can't. */
export function unsupported(what: string): never {
  throw new SqlError(1235, `This version of MySQL doesn't yet support '${what}'`)
}
