#!/bin/bash
# init, get-host, update-host, publish: the account of a host, and finding it again.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
new_host
mode() { stat -c %a "$root/$1"; }

expect "an account number is twelve digits" 254 "ValidationError" init --region r --account-id 012345678901
expect "a host name is a name" 254 "InvalidInput" init --region r --hostname 'a b'
expect "after refusals there is no account" 255 "run 'iamctl init" get-host
run init --region eu-central-1 --hostname web1 --tags Key=environment,Value=prod
ok "init" said 0 '"Hostname": "web1"'
id=$(value .AccountId)
ok "the account number is twelve digits" [ "${#id}" = 12 ]
for want in etc/iam:755 etc/iam/host.json:644 etc/iam/seal.key:640 etc/iam/governed:644 \
	var/lib/iam/iam.db:600 var/lib/iam/snapshot:755 var/lib/iam/snapshot/public:644 \
	var/lib/iam/snapshot/private:640 var/log/iam:700 var/log/iam/trail.jsonl:600; do
	ok "mode of ${want%:*}" is "$(mode "${want%:*}")" "${want#*:}"
done
ok "init is an event of the account" has "$(last_event)" '"eventName":"Init"'
expect "a second init is refused" 254 "EntityAlreadyExists" init --region r
run get-host
ok "get-host" is "$(value .Host.Arn)" "arn:aws:host:eu-central-1:$id:instance/web1"

run update-host --region us-east-1
ok "update-host changes the region" is "$(value .Host.Region)" us-east-1
ok "and leaves the rest" is "$(value .Host.Hostname)/$(value .Host.Tags.0.Key)" web1/environment
ok "the change is an event" has "$(last_event)" '"requestParameters":{"region":"us-east-1"}'
expect "update-host wants something to change" 254 "Nothing to change" update-host

# Installed again: S47.
seal=$(sha256sum <"$root/etc/iam/seal.key")
rm "$root/etc/iam/host.json" "$root/etc/iam/governed"
run init --region eu-west-1 --hostname web2
ok "S47: init with a store makes host.json anew" is "$(value .AccountId)/$(value .Region)" "$id/eu-west-1"
ok "S47: the seal key stays" is "$(sha256sum <"$root/etc/iam/seal.key")" "$seal"
rm "$root/etc/iam/host.json"
expect "but not for another account" 254 "EntityAlreadyExists" init --region r --account-id 999999999999
run init --region eu-west-1
run create-virtual-mfa-device --virtual-mfa-device-name d --outfile "$tmp/d.txt" --bootstrap-method Base32StringSeed
ok "a device" said 0 SerialNumber
mv "$root/etc/iam/seal.key" "$tmp/"
expect "a lost seal key is not replaced while devices need it" 254 "restore it from a backup" init --region r
mv "$tmp/seal.key" "$root/etc/iam/"

# Damage
printf x >"$root/var/lib/iam/snapshot/private"
run publish
ok "publish is silent" is "$status/$out/$err" 0//
ok "and makes snapshots anew" [ "$(stat -c %s "$root/var/lib/iam/snapshot/private")" -gt 100 ]
printf '{"region": 7}' >"$root/etc/iam/host.json"
expect "a host.json that is wrong publishes nothing, and says where" 255 "region" publish
rm "$root/etc/iam/host.json"
run init --region eu-west-1
mv "$root/var/lib/iam/iam.db" "$tmp/iam.db"
expect "the store is gone: it is said, not made anew" 255 "restore it from a backup" list-users
expect "S0: init makes no new store beside the snapshots" 254 "is gone: restore it" init --region r
mv "$tmp/iam.db" "$root/var/lib/iam/"
expect "and back" 0 '"Users": []' list-users
head -c 4096 /dev/urandom >"$tmp/garbage"
cp "$root/var/lib/iam/iam.db" "$tmp/iam.db"
cp "$tmp/garbage" "$root/var/lib/iam/iam.db"
expect "a damaged store is an error" 255 "iam.db" list-users
cp "$tmp/iam.db" "$root/var/lib/iam/iam.db"
expect "doctor says what is not enforced" 1 "" doctor
ok "in a list of checks" is "$(value .Checks.0.Check)" group
finish
