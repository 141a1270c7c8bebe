/** What `psql --help` prints, of the options that there are here. */
export const HELP = `psql is the PostgreSQL interactive terminal.

Usage:
  psql [OPTION]... [DBNAME [USERNAME]]

General options:
  -c, --command=COMMAND    run only single command (SQL or internal) and exit
  -d, --dbname=DBNAME      database name to connect to
  -f, --file=FILENAME      execute commands from file, then exit
  -l, --list               list available databases, then exit
  -v, --set=, --variable=NAME=VALUE
                           set psql variable NAME to VALUE
                           (e.g., -v ON_ERROR_STOP=1)
  -V, --version            output version information, then exit
  -X, --no-psqlrc          do not read startup file (~/.psqlrc)
  -1 ("one"), --single-transaction
                           execute as a single transaction (if non-interactive)
  -?, --help[=options]     show this help, then exit

Input and output options:
  -A, --no-align           unaligned table output mode
      --csv                CSV (Comma-Separated Values) table output mode
  -F, --field-separator=STRING
                           field separator for unaligned output (default: "|")
  -q, --quiet              run quietly (no messages, only query output)
  -t, --tuples-only        print rows only
  -x, --expanded           turn on expanded table output

Connection options:
  -h, --host=HOSTNAME      database server host or socket directory
  -p, --port=PORT          database server port
  -U, --username=USERNAME  database user name
  -w, --no-password        never prompt for password
  -W, --password           force password prompt (should happen automatically)
`

/** What `\?` prints, of the commands that there are here. */
export const COMMANDS = `General
  \\copyright             show PostgreSQL usage and distribution terms
  \\g [(OPTIONS)] [FILE]  execute query (and send result to file or |pipe);
                         \\g with no arguments is equivalent to a semicolon
  \\gexec                 execute query, then execute each value in its result
  \\gset [PREFIX]         execute query and store result in psql variables
  \\gx [(OPTIONS)] [FILE] as \\g, but forces expanded output mode
  \\q                     quit psql
  \\watch [[i=]SEC] [c=N] execute query every SEC seconds, up to N times

Query Buffer
  \\p                     show the contents of the query buffer
  \\r                     reset (clear) the query buffer

Input/Output
  \\copy ...              perform SQL COPY with data stream to the client host
  \\echo [-n] [STRING]    write string to standard output (-n for no newline)
  \\i FILE                execute commands from file
  \\o [FILE]              send all query results to file or |pipe

Conditional
  \\if EXPR               begin conditional block
  \\elif EXPR             alternative within current conditional block
  \\else                  final alternative within current conditional block
  \\endif                 end conditional block

Informational
  (options: S = show system objects, + = additional detail)
  \\d[S+]                 list tables, views, and sequences
  \\d[S+]  NAME           describe table, view, sequence, or index
  \\df[S+] [PATTERN]      list functions
  \\di[S+] [PATTERN]      list indexes
  \\dn[S+] [PATTERN]      list schemas
  \\dp[S]  [PATTERN]      list table, view, and sequence access privileges
  \\ds[S+] [PATTERN]      list sequences
  \\dt[S+] [PATTERN]      list tables
  \\du[S+] [PATTERN]      list roles
  \\dv[S+] [PATTERN]      list views
  \\dx[+]  [PATTERN]      list extensions
  \\l[+]   [PATTERN]      list databases

Formatting
  \\a                     toggle between unaligned and aligned output mode
  \\f [STRING]            show or set field separator for unaligned query output
  \\pset [NAME [VALUE]]   set table output option
  \\t [on|off]            show only rows
  \\x [on|off|auto]       toggle expanded output

Connection
  \\c[onnect] {[DBNAME|- USER|- HOST|- PORT|-] | conninfo}
                         connect to new database
  \\conninfo              display information about current connection
  \\password [USERNAME]   securely change the password for a user

Operating System
  \\cd [DIR]              change the current working directory
  \\getenv PSQLVAR ENVVAR fetch environment variable
  \\setenv NAME [VALUE]   set or unset environment variable
  \\timing [on|off]       toggle timing of commands
  \\! [COMMAND]           execute command in shell or start interactive shell

Variables
  \\prompt [TEXT] NAME    prompt user to set internal variable
  \\set [NAME [VALUE]]    set internal variable, or list all if no parameters
  \\unset NAME            unset (delete) internal variable
`
