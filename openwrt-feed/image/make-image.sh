#!/bin/sh
# Makes an image with OpenWrt's ImageBuilder: its packages, ours, and the overlay beside this script. See README.md.
set -eu

usage() {
	cat << EOF
usage: make-image.sh --builder DIR --profile NAME [options]

  --builder DIR    an unpacked ImageBuilder of the router's release and target
  --profile NAME   the device, as \`make info\` there calls it
  --feed DIR       our packages (default: dist/feed/<architecture> of this project)
  --key FILE       public key of our feed, which the router is to trust from then on
  --url URL        where the router gets our packages later (needs --key)
  --tls            the daemon that can speak TLS
  --packages LIST  further packages, or some to leave out, as "htop -ppp"
  --out DIR        where the image goes (default: bin/ of ImageBuilder)
EOF
}

fail() {
	echo "make-image.sh: $1" >&2
	exit "${2:-1}"
}

# What is given ends up in ImageBuilder's recipes, which are no place for quotes and spaces.
plain() {
	case "$2" in
		'' | *[!A-Za-z0-9_.,:/@+~-]*) fail "$1: expected letters, digits and _ . , : / @ + ~ -, got \"$2\"" 2 ;;
	esac
}

here=$(cd "$(dirname "$0")" && pwd)
builder='' profile='' feed='' key='' url='' tls='' extra='' out=''
while [ $# -gt 0 ]; do
	case "$1" in
		--help | -h)
			usage
			exit 0
			;;
		--tls)
			tls=-tls
			shift
			continue
			;;
		--builder | --profile | --feed | --key | --url | --packages | --out) ;;
		*) fail "unknown argument \"$1\"; see --help" 2 ;;
	esac
	[ $# -ge 2 ] || fail "$1: expected a value" 2
	case "$1" in
		--builder) builder=$2 ;;
		--profile) profile=$2 ;;
		--feed) feed=$2 ;;
		--key) key=$2 ;;
		--url) url=$2 ;;
		--packages) extra=$2 ;;
		--out) out=$2 ;;
	esac
	shift 2
done

[ -n "$builder" ] || fail '--builder: expected a directory; see --help' 2
[ -n "$profile" ] || fail '--profile: expected a device; see --help' 2
plain --profile "$profile"
[ -z "$extra" ] || plain --packages "$(printf %s "$extra" | tr ' ' ,)"
[ -z "$url" ] || plain --url "$url"
[ -z "$url" ] || [ -n "$key" ] || fail '--url: expected --key too: a router trusts no feed without its key' 2
[ -z "$key" ] || [ -r "$key" ] || fail "--key: $key: no such file" 2

[ -d "$builder" ] || fail "--builder: $builder: no such directory" 2
builder=$(cd "$builder" && pwd)
plain --builder "$builder"
for file in .config Makefile; do
	[ -r "$builder/$file" ] || fail "$builder: no ImageBuilder: it has no $file"
done
arch=$(sed -n 's/^CONFIG_TARGET_ARCH_PACKAGES="\(.*\)"$/\1/p' "$builder/.config")
[ -n "$arch" ] || fail "$builder/.config: no CONFIG_TARGET_ARCH_PACKAGES"

# Releases up to 24.10 have opkg, later ones apk.
if grep -q '^CONFIG_USE_APK=y' "$builder/.config"; then suffix=apk; else suffix=ipk; fi
feed=${feed:-$here/../../dist/feed/$arch}
[ -d "$feed" ] || fail "$feed: no packages for $arch: make them with npm run ipk, or with the SDK where the release has apk"

# One file a package: ImageBuilder would not choose the newer of two.
drop() {
	rm -f "$builder/packages/$1_"*."$suffix" "$builder/packages/$1-"[0-9]*."$suffix"
}
for package in "meshbridge$tls" luci-app-meshbridge; do
	set --
	for file in "$feed/${package}_"*."$suffix" "$feed/$package-"[0-9]*."$suffix"; do
		[ ! -e "$file" ] || set -- "$@" "$file"
	done
	[ $# -eq 1 ] || fail "$feed: expected one .$suffix file of $package, found $#"
	drop "$package"
	mkdir -p "$builder/packages"
	cp "$1" "$builder/packages/"
done
# of an earlier image: each flavour answers to the name that the LuCI app wants
if [ -n "$tls" ]; then drop meshbridge; else drop meshbridge-tls; fi

overlay=$(mktemp -d)
trap 'rm -rf "$overlay"' EXIT
trap 'exit 1' HUP INT TERM
cp -R "$here/files/." "$overlay/"
if [ -n "$key" ] && [ "$suffix" = ipk ]; then
	# opkg looks a key up by its fingerprint, which is in it: algorithm (2 bytes), fingerprint (8), key (32).
	print=$(sed -n 2p "$key" | base64 -d 2> /dev/null | od -An -tx1 -j2 -N8 | tr -d ' \n')
	bytes=$(sed -n 2p "$key" | base64 -d 2> /dev/null | wc -c)
	[ "$bytes" -eq 42 ] || fail "--key: $key: expected a public key of usign, 42 bytes, got $bytes" 2
	mkdir -p "$overlay/etc/opkg/keys"
	cp "$key" "$overlay/etc/opkg/keys/$print"
	[ -z "$url" ] || echo "src/gz meshbridge $url" > "$overlay/etc/opkg/customfeeds.conf"
elif [ -n "$key" ]; then
	grep -q 'BEGIN PUBLIC KEY' "$key" || fail "--key: $key: expected a public key in PEM, as apk has them" 2
	mkdir -p "$overlay/etc/apk/keys" "$overlay/etc/apk/repositories.d"
	cp "$key" "$overlay/etc/apk/keys/meshbridge.pem"
	[ -z "$url" ] || echo "$url" > "$overlay/etc/apk/repositories.d/meshbridge.list"
fi
# The router's / gets the overlay's own mode: without this, only root could go anywhere.
find "$overlay" -type d -exec chmod 755 {} +
find "$overlay" -type f -exec chmod 644 {} +

packages=$(sed -e 's/#.*//' -e "s/^meshbridge\$/meshbridge$tls/" "$here/packages" | tr -s '\n' ' ')
set -- PROFILE="$profile" PACKAGES="$packages$extra" FILES="$overlay"
if [ -n "$out" ]; then
	mkdir -p "$out"
	out=$(cd "$out" && pwd)
	plain --out "$out"
	set -- "$@" BIN_DIR="$out"
fi
make -C "$builder" image "$@"
echo "image: ${out:-$builder/bin/targets}"
