#!/bin/bash
# Beside other JSON libraries (S18), built for 32 bits and for the other byte order (S29). TAP.
cd "$(dirname "$0")/../.." || exit 1
BUILD=$(realpath "${BUILD:-build}")
root=$BUILD/test/root
snap=$root/var/lib/iam/snapshot/public
host=$root/etc/iam/host.json
work=$(mktemp -d)
trap 'rm -rf "$work"; rm -f "$snap" "$host"' EXIT

n=0 status=0
result() { # NAME STATUS
	n=$((n + 1))
	case $2 in
	0) echo "ok $n - $1" ;;
	77) echo "ok $n - $1 # SKIP $3" ;;
	*) echo "not ok $n - $1"; status=1 ;;
	esac
}
c() { "${CC:-cc}" -std=gnu11 -O2 -g -Wall -Wextra -Werror -fPIC -fno-strict-aliasing -I. -D_GNU_SOURCE \
	-D_FILE_OFFSET_BITS=64 -DIAM_TEST_BUILD -DIAM_ROOT="\"$root\"" "$@"; }

c -o "$work/mksnap" tests/nss/mksnap.c common/snapshot/*.c common/base/*.c &&
	c -o "$work/show" tests/nss/show.c -ldl && c -o "$work/beside" tests/nss/beside.c -ldl || exit 1
mkdir -p "$(dirname "$snap")" "$(dirname "$host")"
touch "$host"
{
	printf 'user sarah 2100000000 /home/sarah /bin/bash\ngroup marketing 2110000000 sarah bob\n'
	printf 'user bob 2100000001 /home/bob /bin/sh\nmember sarah 27 2110000000\n'
	seq 2 3000 | awk '{ printf "user u%d %d /home/u%d /bin/sh\nmember u%d 2110000001\n", $1, 2100000000 + $1, $1, $1 }'
	printf 'group everyone 2110000001'; seq -f ' u%g' 2 3000 | tr -d '\n'
} | "$work/mksnap" 1 "$snap" || exit 1

LD_LIBRARY_PATH=$BUILD/test "$work/beside" 2>"$work/err"
result "S18: json-c, json-glib and the module in one process, through glibc" $? "$(cat "$work/err")"
"$work/show" "$BUILD/test/libnss_iam.so.2" >"$work/64" && [ "$(wc -l <"$work/64")" -gt 9000 ]
result "every answer of the module" $?
"$work/show" "$BUILD/test/libnss_iam.so.2" libjson-c.so.5 libjson-glib-1.0.so.0 >"$work/json" 2>"$work/err"
r=$?
[ "$r" -ne 0 ] || cmp "$work/64" "$work/json" || r=1
result "S18: the same answers with their symbols in front" $r "$(cat "$work/err")"

# ---- 32 bits: the same files, read by a module and made by a builder of another word size ----
printf 'user sarah 2100000000 /home/sarah /bin/bash\ngroup crew 2110000000 sarah\nmember sarah 2110000000\n' >"$work/lines"
"$work/mksnap" 7 "$work/a" <"$work/lines" || exit 1
mapfile -t reader < <(find common/snapshot -name "*.c" ! -name "build*")
why="no gcc -m32 here (gcc-multilib)"
if [ "$("${CC:-cc}" -dumpmachine | cut -d- -f1)" != x86_64 ] ||
	! echo 'int main(void) { return 0; }' | "${CC:-cc}" -m32 -xc -o "$work/probe" - 2>/dev/null || ! "$work/probe"; then
	result "S29: the module built for i386 gives the same answers" 77 "$why"
	result "S29: both builders make the same file" 77 "$why"
else
	c -m32 -shared -Wl,-z,defs -Wl,--version-script=nss_iam/nss_iam.map -o "$work/iam32.so" nss_iam/*.c common/base/*.c \
		"${reader[@]}" && c -m32 -o "$work/show32" tests/nss/show.c -ldl &&
		"$work/show32" "$work/iam32.so" >"$work/32" && cmp "$work/64" "$work/32"
	result "S29: the module built for i386 gives the same answers" $?
	c -m32 -o "$work/mksnap32" tests/nss/mksnap.c common/snapshot/*.c common/base/*.c &&
		"$work/mksnap32" 7 "$work/b" <"$work/lines" && cmp "$work/a" "$work/b"
	result "S29: both builders make the same file" $?
fi

# ---- the other byte order: where there is a compiler, and an emulator to run it ----
cross=s390x-linux-gnu
if ! command -v $cross-gcc >/dev/null || ! command -v qemu-s390x >/dev/null; then
	why="no $cross-gcc and qemu-s390x here"
	result "S29: the module built for a big-endian machine gives the same answers" 77 "$why"
	result "S29: its builder makes the same file" 77 "$why"
else
	foreign() { qemu-s390x -L /usr/$cross "$@"; }
	CC=$cross-gcc c -shared -Wl,-z,defs -Wl,--version-script=nss_iam/nss_iam.map -o "$work/iambe.so" nss_iam/*.c common/base/*.c \
		"${reader[@]}" && CC=$cross-gcc c -o "$work/showbe" tests/nss/show.c -ldl &&
		foreign "$work/showbe" "$work/iambe.so" >"$work/be" && cmp "$work/64" "$work/be"
	result "S29: the module built for a big-endian machine gives the same answers" $?
	CC=$cross-gcc c -o "$work/mksnapbe" tests/nss/mksnap.c common/snapshot/*.c common/base/*.c &&
		foreign "$work/mksnapbe" 7 "$work/b" <"$work/lines" && cmp "$work/a" "$work/b"
	result "S29: its builder makes the same file" $?
fi
echo "1..$n"
exit $status
