#!/bin/bash
# Subordinate ids from iamctl to shadow's own tools: getsubids through libsubid, in a
# mount namespace with an nsswitch.conf of its own. TAP. Needs root and the test build.
if [ "${1-}" != inside ] && { [ "$(id -u)" -ne 0 ] || ! unshare -m true 2>/dev/null; }; then
	echo "ok 1 - libsubid_iam through libsubid # SKIP needs root and mount namespaces"
	echo "1..1"
	exit 0
fi
[ "${1-}" = inside ] || exec unshare -m bash "$0" inside
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
new_account
trap 'rm -rf "$tmp" "$root"; mkdir -p "$root"' EXIT

subids() { # GETSUBIDS-ARGS: lines "OWNER START COUNT"
	LD_LIBRARY_PATH=$(realpath "$build/test") getsubids "$@" 2>&1 | sed 's/^[0-9]*: //'
}
conf() {
	printf 'passwd: files\ngroup: files\n%s\n' "$1" >"$tmp/nsswitch.conf"
	mountpoint -q /etc/nsswitch.conf || mount --bind "$tmp/nsswitch.conf" /etc/nsswitch.conf
}
conf 'subid: iam'

run create-user --user-name sarah --subordinate-ids
ok "create-user gives a range" is "$(value .User.SubordinateIdStart)" 2147483648
run create-user --user-name bob
ok "getsubids: hers" is "$(subids sarah)" "sarah 2147483648 65536"
ok "getsubids: the same as gids" is "$(subids -g sarah)" "sarah 2147483648 65536"
ok "getsubids: a user without" is "$(subids bob)" "Error fetching ranges"
ok "getsubids: nobody of that name" has "$(subids nobody-there)" "rror"
run update-user --user-name bob --subordinate-ids
ok "update-user gives the next range, at once" is "$(subids bob)" "bob 2147549184 65536"
run get-user --user-name bob
ok "get-user shows it" is "$(value .User.SubordinateIdStart)" 2147549184
run update-user --user-name bob --new-user-name rob --unix-name rob
ok "it stays with a user who is renamed" is "$(subids rob)/$(subids bob | grep -c 2147)" "rob 2147549184 65536/0"
run update-user --user-name rob --no-subordinate-ids
ok "and goes when it is given up" is "$(subids rob)" "Error fetching ranges"
run update-user --user-name rob --subordinate-ids
ok "S26: never given again" is "$(subids rob)" "rob 2147614720 65536"
run delete-user --user-name rob
run create-user --user-name rob --subordinate-ids
ok "S26: not after deletion either" is "$(subids rob)" "rob 2147680256 65536"

# ---- export and import ----
run export --include-secrets
printf '%s' "$out" >"$tmp/all.json"
run update-user --user-name rob --no-subordinate-ids
run import --document "file://$tmp/all.json"
ok "S26: an import does not bring back what was given up" said 254 "2147680256"
sed -i 's/2147680256/1000/' "$tmp/all.json"
run import --document "file://$tmp/all.json"
ok "S26: nor ids of others" said 254 "1000"

# ---- publishing judges again ----
printf '{"subordinateIds": {"min": 3221225472, "max": 3221291007}}' >"$root/etc/iam/iam.json"
run publish
ok "S26: a range outside the span is not published" has "$err" "users/sarah: no subordinate ids"
ok "S26: nor served" is "$(subids sarah)" "Error fetching ranges"
rm "$root/etc/iam/iam.json"
run publish
ok "and back" is "$(subids sarah)" "sarah 2147483648 65536"

# ---- off by default, and damage ----
conf ''
ok "without the line in nsswitch.conf nothing of it is seen" is "$(subids sarah | grep -c 2147483648)" 0
conf 'subid: iam'
: >"$root/var/lib/iam/snapshot/public"
ok "S2: a damaged snapshot is an error" has "$(subids sarah)" "rror"
finish
