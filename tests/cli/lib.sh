# Shared by the tests of the command line: a host of their own in the build
# tree, and TAP. Each test begins with
#
#	. "$(dirname "$0")/lib.sh"
#
# and ends with finish. They run build/test/iamctl, whose files are all under
# build/test/root, as root and as an ordinary user.
# shellcheck shell=bash
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
build=${BUILD:-build}
root=$build/test/root
iamctl=$build/test/iamctl
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
n=0 failed=0

[ -x "$iamctl" ] || { echo "Bail out! build $iamctl first"; exit 1; }
# The runner holds the root for everybody; alone, a test takes it itself.
if [ -z "${BUILD:-}" ]; then
	exec 9>"$build/test/.lock"
	flock 9
fi

new_host() { # a host without an account
	rm -rf "$root"
	mkdir -p "$root"/{etc,run,var/lib,var/log,usr/sbin}
	printf 'root:x:0:0:root:/root:/bin/sh\nlocal:x:1000:1000::/home/local:/bin/sh\n' >"$root/etc/passwd"
	printf 'root:x:0:\nsudo:x:27:\nlocal:x:1000:\n' >"$root/etc/group"
	mkdir -p "$root/usr/share/iam/policies"
	cp -r policies/managed "$root/usr/share/iam/policies/"
	chmod -R go-w "$root"
}

new_account() {
	new_host
	"$iamctl" init --region eu-central-1 --hostname web1 --account-id 123456789012 \
		--tags Key=environment,Value=prod >/dev/null || { echo "Bail out! init"; exit 1; }
}

# Run iamctl; its output, errors and status are in $out, $err and $status.
run() {
	"$iamctl" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	status=$?
	out=$(cat "$tmp/out") err=$(cat "$tmp/err")
}
run_in() { # the same with standard input: TEXT ARGS...
	local text=$1
	shift
	printf '%s' "$text" | "$iamctl" "$@" >"$tmp/out" 2>"$tmp/err"
	status=$?
	out=$(cat "$tmp/out") err=$(cat "$tmp/err")
}

ok() { # NAME CONDITION...
	n=$((n + 1))
	if "${@:2}"; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		printf 'status: %s\nstdout: %s\nstderr: %s\n' "${status:-}" "${out:-}" "${err:-}" |
			head -n 30 | sed 's/^/# /'
		failed=1
	fi
}
skip() { # NAME REASON
	n=$((n + 1))
	echo "ok $n - $1 # SKIP $2"
}
is() { # GOT EXPECTED
	[ "$1" = "$2" ] && return
	printf '# got:      %s\n# expected: %s\n' "$1" "$2"
	return 1
}
has() { # TEXT PART: is it in there?
	case $1 in *"$2"*) return 0 ;; esac
	printf '# there is no "%s"\n' "$2"
	return 1
}
has_not() { ! has "$@" >/dev/null; }

# Run it, and see its status and a part of what it said (stderr after a failure).
expect() { # NAME STATUS PART ARGS...
	local name=$1 want=$2 part=$3
	shift 3
	run "$@"
	ok "$name" said "$want" "$part"
}
said() {
	is "$status" "$1" || return 1
	if [ "$1" -eq 0 ]; then has "$out" "$2"; else has "$err" "$2"; fi
}
value() { # a member of $out, by its path in jq's way: .User.UserName
	python3 -c 'import json, sys
v = json.load(sys.stdin)
for k in sys.argv[1].strip(".").split("."):
    v = v[int(k)] if k.isdigit() else v[k]
print(v if not isinstance(v, (dict, list, bool)) else json.dumps(v))' "$1" <<<"$out"
}
last_event() { tail -n 1 "$root/var/log/iam/trail.jsonl"; }
finish() {
	echo "1..$n"
	exit $failed
}
