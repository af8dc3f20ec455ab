#!/bin/bash
# The layers: who may include whom (docs/architecture.md, "Parts"). TAP.
cd "$(dirname "$0")/../.." || exit 1
status=0 n=0

# PART ALLOWED...: files of PART include only base, themselves and ALLOWED.
layer() {
	local part=$1 bad='' f inc
	shift
	local allowed=" common/base $part $* "
	for f in "$part"/*.[ch]; do
		[ -e "$f" ] || continue
		while read -r inc; do
			case $allowed in *" $(dirname "$inc") "*) ;; *) bad="$bad $f:$inc" ;; esac
		done < <(sed -n 's/^#include "\(.*\)".*/\1/p' "$f")
	done
	result "$part includes only its layer" "$bad"
}
# DESCRIPTION PLACES: ok when there is none.
result() {
	n=$((n + 1))
	if [ -z "$2" ]; then echo "ok $n - $1"; else echo "not ok $n - $1:$2"; status=1; fi
}

c=common
login="$c/snapshot $c/credential $c/policy $c/trail $c/runtime $c/authz"
layer $c/base
for p in snapshot credential policy trail runtime; do layer $c/$p; done
layer $c/authz $c/snapshot $c/policy
# shellcheck disable=SC2086
layer $c/store $login
layer nss_iam $c/snapshot
layer subid_iam $c/snapshot
layer ssh_iam $c/snapshot
# shellcheck disable=SC2086
layer pam_iam $login
# shellcheck disable=SC2086
layer iamctl $login $c/store

# The data plane parses no JSON and knows no SQL.
bad=$(grep -lE '#include <(jansson|sqlite3)\.h>' common/{base,snapshot,credential,runtime,authz}/*.[ch] \
	pam_iam/*.[ch] nss_iam/*.[ch] ssh_iam/*.[ch] 2>/dev/null | tr '\n' ' ')
bad="$bad$(grep -lE '#include <jansson\.h>' common/policy/*.c common/trail/*.c |
	grep -vE '/(parse|validate|compile|locate|trail_read)[^/]*\.c$' | tr '\n' ' ')"
result "jansson and SQLite stay in the control plane" "${bad# }"

# S7, S34: no environment, no shell.
bad=$(grep -nE '\b(getenv|secure_getenv|system|popen|execvp|execlp)[[:space:]]*\(' \
	common/*/*.c pam_iam/*.c nss_iam/*.c ssh_iam/*.c | tr '\n' ' ')
result "S7, S34: no environment and no shell in what runs with privilege" "$bad"

bad=$(git grep -nIE '\b(TODO|FIXME|XXX|HACK)\b' -- '*.c' '*.h' '*.sh' Makefile | grep -v '^tests/lint/' | grep -vF '"XXX-1YYY-3,' | tr '\n' ' ')
result "nothing is left open in the code" "$bad"

bad=''
for f in $(git ls-files '*.c' | grep -v '^tests/'); do
	grep -q '^#include "common/base/' "$f" || bad="$bad $f"
done
result "every source file includes the base, and with it banned.h" "$bad"
echo "1..$n"
exit $status
