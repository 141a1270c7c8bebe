const NAMES: Readonly<Record<number, string>> = {
  1: 'InternalError', 2: 'BadValue', 9: 'FailedToParse', 11: 'UserNotFound', 13: 'Unauthorized', 14: 'TypeMismatch', 18: 'AuthenticationFailed', 20: 'IllegalOperation', 23: 'AlreadyInitialized', 26: 'NamespaceNotFound', 27: 'IndexNotFound', 43: 'CursorNotFound', 48: 'NamespaceExists', 59: 'CommandNotFound', 64: 'WriteConcernTimeout', 66: 'ImmutableField', 67: 'CannotCreateIndex', 72: 'InvalidOptions', 73: 'InvalidNamespace', 74: 'NodeNotFound', 76: 'NoReplicationEnabled',
  93: 'InvalidReplicaSetConfig', 94: 'NotYetInitialized', 103: 'NewReplicaSetConfigurationIncompatible', 85: 'IndexOptionsConflict', 86: 'IndexKeySpecsConflict', 100: 'UnsatisfiableWriteConcern', 115: 'CommandNotSupported', 168: 'InvalidPipelineOperator', 189: 'PrimarySteppedDown', 10107: 'NotWritablePrimary', 11000: 'DuplicateKey', 13435: 'NotPrimaryNoSecondaryOk', 13436: 'NotPrimaryOrSecondary', 40324: 'Location40324', 51003: 'Location51003', 40415: 'Location40415',
}

/** A command that mongod refuses, with its number and the name that belongs to it. */
export class MongoError extends Error {
  readonly code: number
  readonly codeName: string
  /** What the reply says besides. */
  readonly more: Readonly<Record<string, unknown>>
  constructor(code: number, message: string, more: Readonly<Record<string, unknown>> = {}, codeName?: string) {
    super(message)
    this.code = code
    this.codeName = codeName ?? NAMES[code] ?? `Location${code}`
    this.more = more
  }
}
