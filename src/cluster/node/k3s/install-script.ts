import { unitHead } from './installed-files.ts'

/** The script behind https://get.k3s.io: the steps and words of k3s' own, for machines with systemd. */
export const INSTALL_SCRIPT = String.raw`#!/bin/sh
set -e

# Installs k3s as a service. Settings: INSTALL_K3S_EXEC, INSTALL_K3S_VERSION, INSTALL_K3S_CHANNEL, INSTALL_K3S_NAME, INSTALL_K3S_SYMLINK,
# INSTALL_K3S_SKIP_DOWNLOAD, INSTALL_K3S_SKIP_ENABLE, INSTALL_K3S_SKIP_START, INSTALL_K3S_FORCE_RESTART; variables K3S_* are the service's.

RELEASES=https://github.com/k3s-io/k3s/releases
CHANNELS=https://update.k3s.io/v1-release/channels
BIN=/usr/local/bin
UNITS=/etc/systemd/system

info() { echo '[INFO] ' "$@"; }
fatal() { echo '[ERROR] ' "$@" >&2; exit 1; }

for unsupported in INSTALL_K3S_COMMIT INSTALL_K3S_PR INSTALL_K3S_BIN_DIR INSTALL_K3S_SYSTEMD_DIR INSTALL_K3S_TYPE INSTALL_K3S_CHANNEL_URL INSTALL_K3S_BIN_DIR_READ_ONLY; do
    eval "value=\$$unsupported"
    [ -z "$value" ] || fatal "drydock: $unsupported is not supported"
done

command -v systemctl >/dev/null 2>&1 || fatal 'Can not find systemd or openrc to use as a process supervisor for k3s'

# --- what is to be installed
eval set -- $INSTALL_K3S_EXEC '"$@"'
case "$1" in
    -*|'')
        if [ -z "$K3S_URL" ]; then
            COMMAND=server
        elif [ -z "$K3S_TOKEN" ] && [ -z "$K3S_TOKEN_FILE" ]; then
            fatal "Defaulted k3s exec command to 'agent' because K3S_URL is defined, but K3S_TOKEN or K3S_TOKEN_FILE is not defined."
        else
            COMMAND=agent
        fi
        ;;
    *)
        COMMAND=$1
        shift
        ;;
esac
case "$K3S_URL" in
    ''|https://*) ;;
    *) fatal "Only https:// URLs are supported for K3S_URL (have $K3S_URL)" ;;
esac
if [ -n "$INSTALL_K3S_NAME" ]; then NAME=k3s-$INSTALL_K3S_NAME
elif [ "$COMMAND" = server ]; then NAME=k3s
else NAME=k3s-$COMMAND
fi
SUDO=sudo
[ "$(id -u)" -ne 0 ] || SUDO=
$SUDO sh -c "touch $BIN/k3s-ro-test && rm -rf $BIN/k3s-ro-test"
SERVICE=$UNITS/$NAME.service
ENVIRONMENT=$SERVICE.env
UNINSTALL=$BIN/$NAME-uninstall.sh
KILLALL=$BIN/k3s-killall.sh
hashes() { $SUDO sha256sum $BIN/k3s $SERVICE $ENVIRONMENT 2>&1 || true; }
BEFORE=$(hashes)

# --- the program
if [ "$INSTALL_K3S_SKIP_DOWNLOAD" = true ]; then
    info 'Skipping k3s download and verify'
    [ -x $BIN/k3s ] || fatal "Executable k3s binary not found at $BIN/k3s"
else
    command -v curl >/dev/null 2>&1 || fatal 'Can not find curl or wget for downloading files'
    TMP=$(mktemp -d -t k3s-install.XXXXXXXXXX)
    trap 'code=$?; trap - EXIT; rm -rf $TMP; exit $code' EXIT
    VERSION=$INSTALL_K3S_VERSION
    if [ -z "$VERSION" ]; then
        CHANNEL=$INSTALL_K3S_CHANNEL
        [ -n "$CHANNEL" ] || CHANNEL=stable
        info "Finding release for channel $CHANNEL"
        VERSION=$(curl -w '%{url_effective}' -L -s -S $CHANNELS/$CHANNEL -o /dev/null | sed -e 's|.*/||' -e 's|%2B|+|')
    fi
    info "Using $VERSION as release"
    info "Downloading hash $RELEASES/download/$VERSION/sha256sum-amd64.txt"
    curl -o $TMP/k3s.hash -sfL $RELEASES/download/$VERSION/sha256sum-amd64.txt || fatal 'Download failed'
    WANTED=$(grep ' k3s$' $TMP/k3s.hash | cut -d ' ' -f 1)
    if [ -x $BIN/k3s ] && [ "$(sha256sum $BIN/k3s | cut -d ' ' -f 1)" = "$WANTED" ]; then
        info 'Skipping binary downloaded, installed k3s matches hash'
    else
        info "Downloading binary $RELEASES/download/$VERSION/k3s"
        curl -o $TMP/k3s.bin -sfL $RELEASES/download/$VERSION/k3s || fatal 'Download failed'
        info 'Verifying binary download'
        FOUND=$(sha256sum $TMP/k3s.bin | cut -d ' ' -f 1)
        [ "$WANTED" = "$FOUND" ] || fatal "Download sha256 does not match $WANTED, got $FOUND"
        chmod 755 $TMP/k3s.bin
        info "Installing k3s to $BIN/k3s"
        $SUDO chown root:root $TMP/k3s.bin
        $SUDO mv -f $TMP/k3s.bin $BIN/k3s
    fi
fi
info 'Skipping installation of SELinux RPM'

# --- other names, and the ways back
for name in kubectl crictl ctr; do
    if [ "$INSTALL_K3S_SYMLINK" = skip ]; then continue; fi
    if [ -e $BIN/$name ] && [ "$INSTALL_K3S_SYMLINK" != force ]; then
        info "Skipping $BIN/$name symlink to k3s, already exists"
        continue
    fi
    present=$(command -v $name 2>/dev/null || true)
    if [ -z "$present" ] || [ "$INSTALL_K3S_SYMLINK" = force ]; then
        info "Creating $BIN/$name symlink to k3s"
        $SUDO ln -sf k3s $BIN/$name
    else
        info "Skipping $BIN/$name symlink to k3s, command exists in PATH at $present"
    fi
done
info "Creating killall script $KILLALL"
$SUDO tee $KILLALL >/dev/null << \EOF
#!/bin/sh
[ $(id -u) -eq 0 ] || exec sudo $0 $@
set -x
for service in /etc/systemd/system/k3s*.service; do
    [ -s $service ] && systemctl stop $(basename $service)
done
/usr/lib/drydock/k3s-kill-pods
rm -rf /var/lib/cni/
EOF
$SUDO chmod 755 $KILLALL
info "Creating uninstall script $UNINSTALL"
$SUDO tee $UNINSTALL >/dev/null << EOF
#!/bin/sh
set -x
[ \$(id -u) -eq 0 ] || exec sudo \$0 \$@
$KILLALL
systemctl disable $NAME
systemctl reset-failed $NAME
systemctl daemon-reload
rm -f $SERVICE
rm -f $ENVIRONMENT
systemctl daemon-reload
rm -f $UNINSTALL
if ls $UNITS/k3s*.service >/dev/null 2>&1; then
    set +x; echo 'Additional k3s services installed, skipping uninstall of k3s'; set -x
    exit
fi
for name in kubectl crictl ctr; do
    [ ! -L $BIN/\$name ] || rm -f $BIN/\$name
done
rm -rf /etc/rancher/k3s
rm -rf /run/k3s
rm -rf /run/flannel
/usr/lib/drydock/k3s-forget-server
rm -rf /var/lib/rancher/k3s
rm -rf /var/lib/kubelet
rm -f $BIN/k3s
rm -f $KILLALL
EOF
$SUDO chmod 755 $UNINSTALL

# --- the service
$SUDO systemctl disable $NAME >/dev/null 2>&1 || true
$SUDO rm -f $SERVICE $ENVIRONMENT
info "env: Creating environment file $ENVIRONMENT"
$SUDO touch $ENVIRONMENT
$SUDO chmod 0600 $ENVIRONMENT
env | grep -E '^(K3S|CONTAINERD)_' | $SUDO tee $ENVIRONMENT >/dev/null || true
info "systemd: Creating service file $SERVICE"
$SUDO tee $SERVICE >/dev/null << EOF
${unitHead('$ENVIRONMENT')}ExecStart=$BIN/k3s \\
    $COMMAND \\
$(for word in "$@"; do printf "\t'%s' \\\\\n" "$word"; done)

EOF
[ "$INSTALL_K3S_SKIP_ENABLE" != true ] || exit 0
info "systemd: Enabling $NAME unit"
$SUDO systemctl enable $SERVICE >/dev/null
$SUDO systemctl daemon-reload >/dev/null
[ "$INSTALL_K3S_SKIP_START" != true ] || exit 0
if [ "$BEFORE" = "$(hashes)" ] && [ "$INSTALL_K3S_FORCE_RESTART" != true ]; then
    info 'No change detected so skipping service start'
    exit 0
fi
info "systemd: Starting $NAME"
$SUDO systemctl restart $NAME
`
