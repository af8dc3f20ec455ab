#!/bin/bash
# Names and ids of the host's own (S26, S27): refused, and where they come later, left out and in the trail.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
new_account

for name in docker sudo root shadow lxd iam-auth; do
	expect "S27: no group $name" 254 "" create-group --group-name "$name"
	expect "S27: no group with the Unix name $name" 254 "" create-group --group-name g --unix-name "$name"
done
run create-group --group-name crew
expect "S27: nor by renaming" 254 "by whose name hosts give privileges" update-group --group-name crew --unix-name docker

run create-user --user-name bob
run create-user --user-name carla --uid 2100000500
ok "two users are published" grep -qa carla "$root/var/lib/iam/snapshot/public"
echo 'bob:x:1001:1001::/home/bob:/bin/sh' >>"$root/etc/passwd"
echo 'local2:x:1002:2100000500::/:/bin/sh' >>"$root/etc/passwd"
run publish
ok "S27: a local account of the name takes it back, and publish says so" has "$err" \
	"users/bob: left out: the Unix name bob is taken by"
ok "S26: likewise its id" has "$err" "users/carla: left out: id 2100000500 is taken by"
ok "S27: neither is in the snapshot" is "$(grep -aoE 'bob|carla' "$root/var/lib/iam/snapshot/public")" ""
ok "S27: the trail has it" has "$(last_event)" '"warnings":["users/bob: left out: the Unix name bob is taken by'
ok "S27: and how many" has "$(last_event)" '"warningCount":2'
run create-user --user-name dora
ok "S27: with every change, until somebody acts" has "$(last_event)" 'users/bob: left out'
sed -i '/^bob:/d; /^local2:/d' "$root/etc/passwd"
run publish
ok "and is over with the cause" has_not "$(last_event)" warnings

run_in 'Correct-horse-9' create-login-profile --user-name dora --password-stdin
ok "a password is set" is "$status" 0
ok "S21: its hash is in the private snapshot" has "$(tr -d '\0' <"$root/var/lib/iam/snapshot/private")" '$y$'
ok "S21: and in nothing that others may read" is \
	"$(find "$root" -type f -perm -o=r -exec grep -laF '$y$' {} +)" ""
finish
