import type { Program } from '../types.ts'
import * as accounts from './accounts.ts'
import { awk } from './awk.ts'
import { base64 } from './base64.ts'
import { diff } from './diff.ts'
import { envsubst } from './envsubst.ts'
import * as fileBytes from './file-bytes.ts'
import * as files from './files.ts'
import * as become from './become.ts'
import * as capabilityTools from './capability-tools.ts'
import { grep } from './grep.ts'
import * as kernelTools from './kernel-tools.ts'
import * as mounts from './mounts.ts'
import { JUST_BASH_COMMANDS, justBash } from './just-bash.ts'
import { ifconfig, ip } from './ip.ts'
import * as network from './network.ts'
import { ss } from './ss.ts'
import { paste } from './paste.ts'
import * as processes from './processes.ts'
import * as system from './system.ts'
import { hexdump } from './hexdump.ts'
import { sed } from './sed.ts'
import { shuf, uuidgen } from './shuf.ts'
import { tar } from './tar.ts'
import * as text from './text.ts'
import { utilityProgram } from './utility.ts'
import type { Utility, UtilityFlavour } from './utility.ts'

/** A utility for block devices: few ask for one, and its code comes when they do. */
function blockTool(name: keyof typeof import('./block-tools.ts')): Utility {
  return async (context) => (await context.proc.clock.outside(import('./block-tools.ts')))[name](context)
}

/** Every utility by the name it is called by. */
export const utilities: Readonly<Record<string, Utility>> = {
  ...Object.fromEntries(JUST_BASH_COMMANDS.map((name) => [name, justBash(name)])),
  cat: text.cat, head: text.head, tail: text.tail, tee: text.tee, yes: text.yes, wc: text.wc, seq: text.seq, tr: text.tr, cut: text.cut, sort: text.sort, uniq: text.uniq, rev: text.rev, tac: text.tac, nl: text.nl,
  base64, envsubst, paste, shuf, uuidgen, diff, grep, egrep: grep, fgrep: grep, sed, awk, tar,
  ls: files.ls, mkdir: files.mkdir, rmdir: files.rmdir, rm: files.rm, unlink: files.rm, cp: files.cp, mv: files.mv, ln: files.ln, touch: files.touch, chmod: files.chmod, chown: files.chown, chgrp: files.chown, stat: files.stat,
  readlink: files.readlink, realpath: files.realpath, mktemp: files.mktemp, mkfifo: files.mkfifo, truncate: fileBytes.truncate, dd: fileBytes.dd, du: files.du, df: files.df, mount: mounts.mount, umount: mounts.umount, basename: files.basename, dirname: files.dirname,
  sleep: processes.sleep, ps: processes.ps, top: processes.top, kill: processes.kill, pkill: processes.pkill, pgrep: processes.pkill, killall: processes.pkill, pidof: processes.pkill, env: processes.env, printenv: processes.printenv,
  timeout: processes.timeout, watch: processes.watch, xargs: processes.xargs, chroot: processes.chroot, nohup: processes.nohup, nice: processes.nohup, setsid: processes.nohup, stdbuf: processes.nohup, time: processes.time, which: processes.which,
  true: system.succeed, false: system.fail, sync: system.succeed, echo: system.echo, printf: system.printf, test: system.test, '[': system.test, pwd: system.pwd, id: system.id, whoami: system.whoami, groups: system.groups,
  hostname: system.hostname, date: system.date, uname: system.uname, sysctl: system.sysctl, hexdump, uptime: system.uptime, free: system.free, tty: system.tty, stty: system.stty, clear: system.clear, reset: system.clear, nproc: system.nproc, arch: system.arch, expr: system.expr, getent: system.getent,
  adduser: accounts.adduser, addgroup: accounts.addgroup, deluser: accounts.deluser, delgroup: accounts.delgroup, useradd: accounts.useradd, groupadd: accounts.groupadd, usermod: accounts.usermod, userdel: accounts.deluser, groupdel: accounts.delgroup,
  losetup: blockTool('losetup'), mkfs: blockTool('mkfs'), 'mkfs.ext2': blockTool('mkfs'), 'mkfs.ext3': blockTool('mkfs'), 'mkfs.ext4': blockTool('mkfs'), 'mke2fs': blockTool('mkfs'), resize2fs: blockTool('resize2fs'), blkid: blockTool('blkid'), blockdev: blockTool('blockdev'), lsblk: blockTool('lsblk'), fallocate: blockTool('fallocate'),
  su: become.su, gosu: become.gosu, 'su-exec': become.gosu, setpriv: become.setpriv, capsh: capabilityTools.capsh, getpcaps: capabilityTools.getpcaps, dmesg: kernelTools.dmesg, mknod: kernelTools.mknod, nsenter: kernelTools.nsenter, unshare: kernelTools.unshare,
  nc: network.nc, wget: network.wget, curl: network.curl, nslookup: network.nslookup, dig: network.dig, host: network.host, ping: network.ping, traceroute: network.traceroute, ss, netstat: ss, ip, ifconfig,
}

/** What BusyBox has of them. */
const NOT_IN_BUSYBOX = new Set(['envsubst', 'uuidgen', 'useradd', 'groupadd', 'usermod', 'userdel', 'groupdel', 'curl', 'dig', 'host', 'jq', 'yq', 'column', 'join', 'file', 'ss', 'getent', 'stdbuf', 'mkfs', 'mkfs.ext3', 'mkfs.ext4', 'resize2fs', 'lsblk', 'printenv_', 'gosu', 'su-exec', 'capsh', 'getpcaps'])

/** Names of BusyBox' applets. */
export const busyboxApplets: readonly string[] = Object.keys(utilities).filter((name) => !NOT_IN_BUSYBOX.has(name)).sort()

/** Utilities as executables in a directory: all, or those named. */
export function utilityPrograms(flavour: UtilityFlavour, options: { directory?: string; names?: readonly string[] } = {}): Record<string, Program> {
  const directory = options.directory ?? (flavour === 'busybox' ? '/bin' : '/usr/bin')
  const names = options.names ?? (flavour === 'busybox' ? busyboxApplets : Object.keys(utilities))
  return Object.fromEntries(names.map((name) => [`${directory}/${name}`, utilityProgram(utilities[name]!, flavour)]))
}
