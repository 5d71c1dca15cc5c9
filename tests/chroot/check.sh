#!/usr/bin/env bash
# Runs the README's commands in a Debian 12 that has nothing but its base system; see `--help`.
# It takes its time, so it is run by hand and is no part of `./dev test`.
set -euo pipefail

usage() {
    cat <<'EOF'
usage: tests/chroot/check.sh [--dir DIR] [--keep] [COMMAND...]

Makes a fresh Debian 12 in DIR (default: a temporary folder) with debootstrap, clones the committed
state of this repository into it, and runs each COMMAND in the clone (default: './dev run --check'
and './dev test'). Ends at the first one that fails, with its exit code.

  --dir DIR   where the system is made; one that is there already is used again, with a new clone
  --keep      leave it there

Needs root and the package debootstrap. The packages come from where this machine's apt gets them.
EOF
}

say() { printf '== %s\n' "$*" >&2; }
die() { printf 'chroot: %s\n' "$*" >&2; exit 2; }

dir="" keep=false commands=()
while [ $# -gt 0 ]; do
    case "$1" in
        --dir) [ $# -gt 1 ] || die "--dir needs a folder"; dir="$2" keep=true; shift ;;
        --keep) keep=true ;;
        -h | --help) usage; exit 0 ;;
        -*) die "no option $1 (see --help)" ;;
        *) commands+=("$1") ;;
    esac
    shift
done
[ ${#commands[@]} -gt 0 ] || commands=('./dev run --check' './dev test')
[ "$(id -u)" -eq 0 ] || die "needs root"
command -v debootstrap >/dev/null || die "debootstrap is missing: apt-get install debootstrap"

source_tree="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
mirror="$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Suite: bookworm' | head -n 1)"
[ -n "$mirror" ] || mirror="$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1)"
[ -n "$mirror" ] || die "apt knows no source of Debian packages: apt-get update"

[ -n "$dir" ] || dir="$(mktemp -d)"
$keep || trap 'rm -rf --one-file-system "$dir"' EXIT

if [ ! -x "$dir/usr/bin/apt-get" ]; then
    say "Debian 12 in $dir"
    debootstrap --variant=minbase --include=ca-certificates bookworm "$dir" "$mirror" >&2
fi
# What reaches the network here must reach it there: names, and who is trusted.
for file in /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt; do
    [ -e "$file" ] && cp -L "$file" "$dir$file"
done

say "clone of $(git -C "$source_tree" log -1 --format='%h %s')"
rm -rf "$dir/srv/tandem"
git clone --quiet --no-hardlinks "$source_tree" "$dir/srv/tandem"

# In a mount namespace of its own, so that nothing stays mounted; with the machine's devices, because a
# browser wants /dev/shm.
run_inside() {
    unshare --mount --propagation private bash -euc '
        mount -t proc proc "$0/proc"
        mount -t sysfs -o ro sysfs "$0/sys" || true
        mount --rbind /dev "$0/dev"
        exec chroot "$0" /usr/bin/env -i HOME=/srv PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
            LANG=C.UTF-8 CI=true DEBIAN_FRONTEND=noninteractive NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt \
            bash -c "cd /srv/tandem && $1"' "$dir" "$1" </dev/null
}

# A base system has lists of no package yet.
run_inside 'apt-get update -qq'
for command in "${commands[@]}"; do
    say "$command"
    start=$SECONDS
    code=0
    run_inside "$command" || code=$?
    say "$command: exit code $code after $((SECONDS - start)) s"
    [ "$code" -eq 0 ] || exit "$code"
done
