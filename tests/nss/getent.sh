#!/bin/bash
# The module through glibc: getent, id and long-lived shells, in a mount namespace
# with an nsswitch.conf of its own. TAP. Needs root and the test build.
cd "$(dirname "$0")/../.." || exit 1
BUILD=$(realpath "${BUILD:-build}")
root=$BUILD/test/root
snap=$root/var/lib/iam/snapshot/public
host=$root/etc/iam/host.json
mksnap=$BUILD/test/mksnap

if [ "$(id -u)" -ne 0 ] || ! unshare -m true 2>/dev/null; then
	echo "ok 1 - the module through glibc # SKIP needs root and mount namespaces"
	echo "1..1"
	exit 0
fi
if [ "${1-}" != inside ]; then
	"${CC:-cc}" -std=gnu11 -O1 -I. -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DIAM_TEST_BUILD -o "$mksnap" \
		tests/nss/mksnap.c common/snapshot/*.c common/base/*.c || exit 1
	exec unshare -m bash "$0" inside
fi

work=$(mktemp -d)
trap 'rm -rf "$work"; rm -f "$snap" "$host"' EXIT
printf 'passwd: files iam\ngroup: files iam\n' >"$work/nsswitch.conf"
mount --bind "$work/nsswitch.conf" /etc/nsswitch.conf || exit 1
mkdir -p "$(dirname "$snap")" "$(dirname "$host")"

n=0 status=0
result() { # NAME STATUS
	n=$((n + 1))
	if [ "$2" -eq 0 ]; then echo "ok $n - $1"; else echo "not ok $n - $1"; status=1; fi
}
is() { # NAME WANT GOT
	if [ "$2" = "$3" ]; then result "$1" 0; else result "$1" 1; printf '# want: %s\n# got:  %s\n' "$2" "$3"; fi
}
nss() { LD_LIBRARY_PATH=$BUILD/test "$@"; }
publish() { "$mksnap" "$1" "$snap"; }
usual() {
	publish 1 <<-EOF
		user sarah 2100000000 /home/sarah /bin/bash
		user bob 2100000001 /home/bob /bin/sh
		group sarah 2100000000
		group marketing 2100000002 sarah bob
		member sarah 27 2100000002
		key sarah ssh-ed25519 AAAA sarah@example
	EOF
}

# ---- before init ----
rm -f "$snap" "$host"
is "before init: enumeration is as without us" "$(getent passwd 2>&1)" "$(nss getent passwd 2>&1)"
nss getent passwd nobody-there >/dev/null; is "before init: unknown is unknown" 2 $?
is "before init: root" 0 "$(nss id -u root)"

# ---- serving ----
touch "$host"
usual
is "passwd by name (S21: x)" "sarah:x:2100000000:2100000000::/home/sarah:/bin/bash" "$(nss getent passwd sarah)"
is "passwd by uid" "bob:x:2100000001:2100000001::/home/bob:/bin/sh" "$(nss getent passwd 2100000001)"
is "group by name" "marketing:x:2100000002:sarah,bob" "$(nss getent group marketing)"
is "group by gid" "marketing:x:2100000002:sarah,bob" "$(nss getent group 2100000002)"
is "initgroups" "sarah 27 2100000002" "$(nss getent initgroups sarah | tr -s ' ')"
is "id: primary, local and own groups" "2100000000 27 2100000002" "$(nss id -G sarah)"
nss getent passwd nobody-there >/dev/null; is "unknown user" 2 $?
nss getent group 2100009999 >/dev/null; is "unknown gid" 2 $?
nss getent shadow sarah >/dev/null 2>&1; is "S21: no shadow entry" 2 $?
nss getent gshadow marketing >/dev/null 2>&1; is "S21: no gshadow entry" 2 $?
is "S27: root is the local one" "$(grep '^root:' /etc/passwd)" "$(nss getent passwd root)"
is "S23: enumeration has each user once, after the local ones" \
	"$(getent passwd; printf 'sarah:x:2100000000:2100000000::/home/sarah:/bin/bash\nbob:x:2100000001:2100000001::/home/bob:/bin/sh\n')" \
	"$(nss getent passwd)"
is "S23: enumeration of groups" "$(($(getent group | wc -l) + 2))" "$(nss getent group | wc -l)"
is "no look-up of a local name opens the snapshot" "" \
	"$(command -v strace >/dev/null && nss strace -f -e trace=openat getent passwd root 2>&1 | grep -F "$snap")"

# ---- one process through changes and damage: bash looks up ~NAME itself ----
# What others did to the file is seen with the next tick of the clock, for which every writer waits.
# shellcheck disable=SC2016
story='
	tick() { "$mksnap" 3 "$snap-elsewhere" </dev/null; rm -f "$snap-elsewhere"; }
	mksnap=$1 snap=$2
	eval "echo ~sarah"
	printf "user sarah 2100000000 /home/moved /bin/sh\n" | "$mksnap" 2 "$snap"
	eval "echo ~sarah"
	: >"$snap"; tick
	eval "echo ~sarah ~root"
	printf "user sarah 2100000000 /home/again /bin/sh\n" | "$mksnap" 3 "$snap"
	eval "echo ~sarah"
	head -c 4096 /dev/urandom | dd of="$snap" conv=notrunc status=none; tick
	eval "echo ~sarah ~root"
	rm -f "$snap"; tick
	eval "echo ~sarah ~root"
	echo alive'
home=$(getent passwd root | cut -d: -f6)
usual
is "S25: a living process through publish, truncation, garbage, deletion" \
	"/home/sarah|/home/moved|~sarah $home|/home/again|~sarah $home|~sarah $home|alive|" \
	"$(env -u HOME LD_LIBRARY_PATH="$BUILD/test" bash -c "$story" bash "$mksnap" "$snap" 2>&1 | tr '\n' '|')"

# ---- damage, seen by new processes ----
for damage in empty half garbage; do
	usual
	case $damage in
	empty) : >"$snap" ;;
	half) truncate -s 700 "$snap" ;;
	garbage) head -c 5000 /dev/urandom >"$snap" ;;
	esac
	is "S2, S25: $damage: IAM users are not served" "" "$(nss getent passwd sarah; nss getent group marketing)"
	is "S0: $damage: root and local accounts are" "0 $(getent passwd daemon)" "$(nss id -u root) $(nss getent passwd daemon)"
done
rm -f "$snap"
is "S0: deleted: root and local accounts are served" "0 $(getent passwd daemon)" "$(nss id -u root) $(nss getent passwd daemon)"

# ---- readers during changes, and a writer killed anywhere ----
reader() {
	local i line
	for i in $(seq 40); do
		line=$(nss getent passwd sarah) || { echo "no answer"; continue; }
		[[ $line =~ ^sarah:x:(21000[0-9]+):(21000[0-9]+):.*/home/h([0-9]+): ]] &&
			[ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]}" ] &&
			[ "${BASH_REMATCH[1]}" -eq $((2100000000 + BASH_REMATCH[3])) ] || echo "torn: $line"
	done
}
change() { printf 'user sarah %s /home/h%s /bin/sh\n' $((2100000000 + $1)) "$1" | publish "$1"; }
change 1
for r in 1 2 3; do reader >"$work/reader$r" & done
for i in $(seq 100); do change "$i"; done
wait
is "readers during 100 changes: whole answers only" "" "$(cat "$work"/reader?)"

bad=''
for i in $(seq 1 30); do
	{ printf 'user sarah 2100000000 /home/sarah /bin/bash\n'
		seq -f 'user u%g 2100001000 /home/u /bin/sh' 1; seq 2000 | awk '{ print "key k" $1 " ssh-ed25519 AAAA" $1 }'
	} >"$work/lines"
	timeout -s KILL "0.0$(printf %02d "$i")" "$mksnap" "$i" "$snap" <"$work/lines" 2>/dev/null
	[ "$(nss getent passwd sarah | cut -d: -f1)" = sarah ] || bad="$bad $i"
done 2>/dev/null
is "a writer killed at any moment leaves a whole revision" "" "$bad"
usual
is "and what it left is swept away" "$snap" "$(ls "$snap"*)"

# ---- a full disk ----
mount -t tmpfs -o size=128k,mode=0755 tmpfs "$(dirname "$snap")"
usual
seq 20000 | awk '{ print "key k" $1 " ssh-ed25519 AAAA" $1 }' >"$work/lines"
publish 9 <"$work/lines" 2>/dev/null
is "S25: no space left: the writer says so" 1 $?
is "S25: no space left: the old revision is served" \
	"sarah:x:2100000000:2100000000::/home/sarah:/bin/bash marketing:x:2100000002:sarah,bob" \
	"$(nss getent passwd sarah) $(nss getent group marketing)"
printf 'user sarah 2100000000 /home/later /bin/sh\n' | publish 10
is "S25: and what fits is published again" "/home/later" "$(nss getent passwd sarah | cut -d: -f6)"
umount "$(dirname "$snap")"
usual

# ---- iam-authorized-keys ----
keys() { "$BUILD/test/iam-authorized-keys" "$@" 2>/dev/null; }
is "authorized keys" "ssh-ed25519 AAAA sarah@example 0" "$(keys sarah) $?"
is "authorized keys: a user without" " 0" "$(keys bob) $?"
is "authorized keys: odd names" "0 0 0" "$(keys '../x'; echo $?) $(keys ''; echo $?) $(keys root; echo $?)"
if command -v setpriv >/dev/null; then
	is "authorized keys: needs no privilege" "ssh-ed25519 AAAA sarah@example" \
		"$(cp "$BUILD/test/iam-authorized-keys" "$work/iak" && chmod 755 "$work" "$work/iak" &&
		setpriv --reuid 65534 --regid 65534 --clear-groups env -i "$work/iak" sarah 2>&1)"
fi
head -c 5000 /dev/urandom >"$snap"
is "authorized keys: damage is a failure" " 1" "$(keys sarah) $?"
rm -f "$snap"
is "authorized keys: no snapshot, no key" " 0" "$(keys sarah) $?"
is "authorized keys: usage" "2 2" "$(keys; echo $?) $(keys a b; echo $?)"

echo "1..$n"
exit $status
