#!/usr/bin/env bash
# Installs what building, testing and the demo need, from the distribution's own
# packages, and says what it does.  Debian 12 and 13, Ubuntu 24.04 and newer.
#
#   tools/setup.sh            build and demo
#   tools/setup.sh --test     the same, and everything the tests use
#   tools/setup.sh --check    installs nothing; exits 1 and names what is missing
#
# Debian 12 and Ubuntu 24.04 lack two libraries (llhttp, yyjson).  They are taken from
# the pool of the next release (Debian 13, Ubuntu 26.04): a private apt state folder
# with a copy of this machine's own sources, in which the suite's name is the next
# one's, downloads exactly these packages and checks their signatures with the
# installed archive keyring.  The system's list of sources is not touched.  Safe to
# run again: it does nothing when all is there.
set -euo pipefail

build_packages=(
    gcc make pkg-config meson ninja-build python3 ca-certificates
    libuv1-dev libssl-dev libsodium-dev libsqlite3-dev libpq-dev
    libcurl4-openssl-dev libyaml-dev zlib1g-dev
    python3-telethon # signs the demo's accounts in
)
test_packages=(
    clang clang-format clang-tidy llvm universal-ctags
    libcmocka-dev python3-pytest python3-requests python3-yaml
    postgresql # the tests start one of their own
    valgrind git
    spin # explores the model of the leases
    microsocks tinyproxy-bin # proxies for test/integ/test_routes.py
)
# library and its pkg-config name (or header), for distributions that lack it
pool_packages=(libllhttp-dev libyyjson-dev)

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

mode=build
for arg in "$@"; do
    case $arg in
    --test) mode=test ;;
    --check) check=1 ;;
    *) die "unknown argument '$arg' (there are --test and --check)" ;;
    esac
done

command -v apt-get >/dev/null ||
    die "this script knows apt only; install these yourself: ${build_packages[*]} ${pool_packages[*]}"
# shellcheck disable=SC1091
. /etc/os-release

# Of the clang that is installed, or would be; empty when apt has no lists yet.
clang_version() {
    local all
    all=$(dpkg-query -W -f '${Depends}' clang 2>/dev/null) || all=
    [ -n "$all" ] || all=$(apt-cache depends clang 2>/dev/null) || all=
    sed -nE 's/.*clang-([0-9]+).*/\1/p' <<<"$all" | head -n 1
}

want=("${build_packages[@]}")
if [ "$mode" = test ]; then
    want+=("${test_packages[@]}")
    # the sanitizers' runtime belongs to clang's own version
    ver=$(clang_version)
    [ -n "$ver" ] && want+=("libclang-rt-$ver-dev")
fi

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

missing=()
for p in "${want[@]}" "${pool_packages[@]}"; do
    installed "$p" || missing+=("$p")
done
if [ ${#missing[@]} -eq 0 ]; then
    say "nothing to install"
    exit 0
fi
if [ -n "${check:-}" ]; then
    say "missing: ${missing[*]}"
    exit 1
fi

root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "run me as root, or install sudo; missing: ${missing[*]}"
    root=(sudo)
fi

say "missing: ${missing[*]}"
"${root[@]}" apt-get update -qq
if [ "$mode" = test ] && [ -z "${ver:-}" ]; then
    ver=$(clang_version)
    [ -n "$ver" ] && missing+=("libclang-rt-$ver-dev")
fi

normal=() pool=()
for p in "${missing[@]}"; do
    if apt-cache show "$p" >/dev/null 2>&1; then
        normal+=("$p")
    else
        pool+=("$p")
    fi
done
# Its package would start a server for everyone; nobody asked for that.
no_server=/etc/postgresql-common/createcluster.d/tgfleet-tests.conf
case " ${normal[*]} " in
*" postgresql "*)
    "${root[@]}" mkdir -p "${no_server%/*}"
    echo "create_main_cluster = false" | "${root[@]}" tee "$no_server" >/dev/null
    ;;
esac
if [ ${#normal[@]} -gt 0 ]; then
    say "installing from ${PRETTY_NAME:-this distribution}: ${normal[*]}"
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${normal[@]}" >/dev/null
fi
"${root[@]}" rm -f "$no_server"

# Downloads packages of another suite without enabling it.
from_pool() {
    local suite=$1 dir
    shift
    dir=$(mktemp -d)
    # shellcheck disable=SC2064
    trap "rm -rf '$dir'" EXIT
    mkdir -p "$dir"/{etc/sources.list.d,state/lists/partial,cache/archives/partial,debs}
    local f
    for f in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
        [ -f "$f" ] && grep -qE "(^|[ /])$ID([ /]|\$)" "$f" || continue
        if [ "$f" = /etc/apt/sources.list ]; then
            sed "s/$VERSION_CODENAME/$suite/g" "$f" >"$dir/etc/sources.list"
        else
            sed "s/$VERSION_CODENAME/$suite/g" "$f" >"$dir/etc/sources.list.d/${f##*/}"
        fi
    done
    local opts=(
        -o Dir::Etc::sourcelist="$dir/etc/sources.list"
        -o Dir::Etc::sourceparts="$dir/etc/sources.list.d"
        -o Dir::State="$dir/state" -o Dir::Cache="$dir/cache"
        -o Dir::State::status=/var/lib/dpkg/status
        -o APT::Sandbox::User=root
    )
    apt-get "${opts[@]}" update -qq
    # a -dev package and the library it is for, whatever its version is called
    local p libs=()
    for p in "$@"; do
        libs+=("$p" $(apt-cache "${opts[@]}" depends "$p" |
            sed -nE "s/^ *Depends: (${p%-dev}[0-9.]+)\$/\1/p"))
    done
    (cd "$dir/debs" && apt-get "${opts[@]}" download -qq "${libs[@]}")
    "${root[@]}" dpkg -i "$dir"/debs/*.deb >/dev/null
}

if [ ${#pool[@]} -gt 0 ]; then
    for p in "${pool[@]}"; do
        case " ${pool_packages[*]} " in
        *" $p "*) ;;
        *) die "${PRETTY_NAME:-this release} does not have $p; is its component (universe?) enabled?" ;;
        esac
    done
    case "${ID:-}:${VERSION_CODENAME:-}" in
    debian:bookworm) suite=trixie next="Debian 13" ;;
    ubuntu:noble) suite=resolute next="Ubuntu 26.04" ;;
    *)
        die "${PRETTY_NAME:-this release} does not have ${pool[*]}: install llhttp 9 and" \
            "yyjson 0.8 or newer with their headers and pkg-config files, then run make"
        ;;
    esac
    say "installing from $next's pool (suite stays disabled): ${pool[*]}"
    from_pool "$suite" "${pool[@]}"
fi
say "done"
