/** Where the official image has httpd. */
export const SERVER_ROOT = '/usr/local/apache2'
/** Where it says which process it is. */
export const PID_FILE = `${SERVER_ROOT}/logs/httpd.pid`
