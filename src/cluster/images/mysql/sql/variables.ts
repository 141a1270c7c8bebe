/** Settings that SHOW VARIABLES and @@name show, with their defaults. Text as SHOW VARIABLES prints it. */
export function defaultVariables(version: string, dataDirectory: string, hostname: string): Map<string, string> {
  const old = version.startsWith('5.')
  const [charset, collation] = old ? ['latin1', 'latin1_swedish_ci'] : ['utf8mb4', 'utf8mb4_0900_ai_ci']
  const all: Record<string, string> = {
    auto_increment_increment: '1', auto_increment_offset: '1', autocommit: 'ON', basedir: '/usr/', bind_address: '*', binlog_format: 'ROW', character_set_client: old ? 'latin1' : 'utf8mb4', character_set_connection: old ? 'latin1' : 'utf8mb4', character_set_database: charset, character_set_filesystem: 'binary',
    character_set_results: old ? 'latin1' : 'utf8mb4', character_set_server: charset, character_set_system: old ? 'utf8' : 'utf8mb3', character_sets_dir: '/usr/share/mysql/charsets/', collation_connection: old ? 'latin1_swedish_ci' : collation, collation_database: collation, collation_server: collation, connect_timeout: '10', datadir: `${dataDirectory}/`,
    default_storage_engine: 'InnoDB', event_scheduler: old ? 'OFF' : 'ON', expire_logs_days: '0', explicit_defaults_for_timestamp: old ? 'OFF' : 'ON', foreign_key_checks: 'ON', general_log: 'OFF', group_concat_max_len: '1024', gtid_mode: 'OFF', have_ssl: old ? 'DISABLED' : 'YES', hostname, innodb_buffer_pool_size: '134217728',
    innodb_file_per_table: 'ON', innodb_flush_log_at_trx_commit: '1', innodb_lock_wait_timeout: '50', innodb_version: version, interactive_timeout: '28800', license: 'GPL', lock_wait_timeout: '31536000', log_bin: old ? 'OFF' : 'ON', log_error: 'stderr', long_query_time: '10.000000', lower_case_table_names: '0', max_allowed_packet: old ? '4194304' : '67108864',
    max_connections: '151', max_heap_table_size: '16777216', net_read_timeout: '30', net_write_timeout: '60', performance_schema: 'ON', pid_file: '/var/run/mysqld/mysqld.pid', port: '3306', protocol_version: '10', read_only: 'OFF', secure_file_priv: old ? '/var/lib/mysql-files/' : 'NULL', server_id: old ? '0' : '1', skip_name_resolve: 'ON', skip_networking: 'OFF', slow_query_log: 'OFF', socket: '/var/run/mysqld/mysqld.sock', sort_buffer_size: '262144', sql_log_bin: 'ON',
    sql_mode: old ? 'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION' : 'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION',
    sql_notes: 'ON', sql_safe_updates: 'OFF', sql_warnings: 'OFF', super_read_only: 'OFF', system_time_zone: 'UTC', table_open_cache: old ? '2000' : '4000', thread_cache_size: '9', time_zone: 'SYSTEM', tmp_table_size: '16777216', tmpdir: '/tmp', transaction_isolation: 'READ-COMMITTED', tx_isolation: 'READ-COMMITTED', unique_checks: 'ON', version, version_comment: old ? 'MySQL Community Server (GPL)' : 'MySQL Community Server - GPL', version_compile_machine: 'x86_64', version_compile_os: old ? 'Linux' : 'Linux', wait_timeout: '28800',
  }
  if (!old) delete all.tx_isolation
  if (/^(?:8\.[4-9]|9)/.test(version)) delete all.expire_logs_days
  return new Map(Object.entries(all).sort(([a], [b]) => a < b ? -1 : 1))
}

/** Settings that can't be changed while the server runs. */
export const READ_ONLY_VARIABLES = new Set(['basedir', 'bind_address', 'datadir', 'hostname', 'innodb_version', 'license', 'log_bin', 'log_error', 'lower_case_table_names', 'performance_schema', 'pid_file', 'port', 'protocol_version', 'skip_name_resolve', 'skip_networking', 'socket', 'system_time_zone', 'version', 'version_comment', 'version_compile_machine', 'version_compile_os', 'have_ssl', 'character_sets_dir', 'character_set_system', 'innodb_file_per_table', 'secure_file_priv', 'tmpdir'])
/** Settings that only all connections together have. */
export const GLOBAL_VARIABLES = new Set(['connect_timeout', 'event_scheduler', 'general_log', 'gtid_mode', 'innodb_buffer_pool_size', 'innodb_flush_log_at_trx_commit', 'max_connections', 'read_only', 'server_id', 'slow_query_log', 'super_read_only', 'table_open_cache', 'thread_cache_size', 'expire_logs_days', 'binlog_format'])
