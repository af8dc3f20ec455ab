#!/bin/bash
# export and import: the whole account, all or nothing.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
new_account
doc='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"host:Login","Resource":"*"}]}'
run create-policy --policy-name p --policy-document "$doc"
run create-group --group-name Marketing
run create-user --user-name Sarah --tags Key=department,Value=marketing
run add-user-to-group --user-name Sarah --group-name Marketing
run attach-user-policy --user-name Sarah --policy-arn arn:aws:iam::123456789012:policy/p
run_in 'Correct-horse-9' create-login-profile --user-name Sarah --password-stdin
run create-virtual-mfa-device --virtual-mfa-device-name d --outfile "$tmp/seed" --bootstrap-method Base32StringSeed

totp() { # OFFSET: the code of that many steps from now
	python3 -c 'import base64, hmac, struct, sys, time
key = open(sys.argv[1]).read()
d = hmac.digest(base64.b32decode(key + "=" * (-len(key) % 8)),
	struct.pack(">Q", int(time.time()) // 30 + int(sys.argv[2])), "sha1")
o = d[-1] & 15
print("%06d" % ((struct.unpack(">I", d[o:o + 4])[0] & 0x7fffffff) % 10**6))' "$tmp/seed" "$1"
}
run enable-mfa-device --user-name Sarah --serial-number arn:aws:iam::123456789012:mfa/d \
	--authentication-code1 "$(totp -1)" --authentication-code2 "$(totp 0)"
run create-recovery-codes --user-name Sarah
trust='{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/Sarah"},"Action":"sts:AssumeRole"}}'
run create-role --role-name Deploy --assume-role-policy-document "$trust" --max-session-duration 7200
run put-role-policy --role-name Deploy --policy-name own --policy-document "$doc"
run update-account-password-policy --minimum-password-length 10 --password-reuse-prevention 3
run_in 'Correct-horse-10' update-login-profile --user-name Sarah --password-stdin
ok "S9: no former hash, not even sealed, is exported" eval 'run export --include-secrets && has_not "$out" Former && has_not "$out" Recovery'

run create-ssh-certificate-authority
run get-ssh-certificate-authority
authority=$out
run export
ok "the certificate authority is this host's own" has_not "$out" CertificateAuthority
ok "export" is "$(value .Users.0.UserName)/$(value .Groups.0.GroupName)/$(value .Policies.0.PolicyName)" Sarah/Marketing/p
ok "S9: without secrets by default" eval 'has_not "$out" PasswordHash && has_not "$out" Seed'
printf '%s' "$out" >"$tmp/bare.json"
run export --include-secrets --outfile "$tmp/full.json"
ok "export into a file" is "$status/$out" 0/
ok "which is its owner's only" is "$(stat -c %a "$tmp/full.json")" 600
ok "roles are in it" grep -q '"RoleName": "Deploy"' "$tmp/full.json"
ok "with secrets" grep -q '"Base32StringSeed": "'"$(cat "$tmp/seed")"'"' "$tmp/full.json"
ok "S9: which are in no event" has_not "$(cat "$root/var/log/iam/trail.jsonl")" "$(cat "$tmp/seed")"

expect "import into the same account" 0 '"Users": 1' import --document "file://$tmp/bare.json"
run export --include-secrets
ok "keeps the secrets that are here" is "$out" "$(cat "$tmp/full.json")"
run get-ssh-certificate-authority
ok "and the certificate authority" is "$status/$out" "0/$authority"
run get-login-status --user-name Sarah
ok "and the recovery codes" is "$(value .LoginStatus.RecoveryCodesLeft)" 10
run_in 'Correct-horse-9' update-login-profile --user-name Sarah --password-stdin
ok "and which passwords were used" said 254 "the last 3"

# Another host, another number
new_host
run init --region eu-central-1 --hostname web2 --account-id 210987654321
expect "dry run" 0 WouldImport import --document "file://$tmp/full.json" --dry-run
expect "changes nothing" 0 '"Users": []' list-users
run import --document "file://$tmp/full.json"
ok "import into an empty account" said 0 '"MFADevices": 1'
run export --include-secrets
ok "gives the same account" is "$out" "$(cat "$tmp/full.json")"
run create-user --user-name next
ok "ids go on after the imported ones" [ "$(value .User.Uid)" -gt 2100000001 ]
new_host
run init --region eu-central-1 --hostname web3
run import --document "file://$tmp/bare.json"
ok "without secrets there are warnings" eval 'is "$status" 0 && has "$err" "login profile was left out"'

broken() { # NAME PYTHON-STATEMENT PART: an import that must be refused
	python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
u = d["Users"][0]; r = d["Roles"][0]; g = d["Groups"][0]; p = d["Policies"][0]; m = d["MFADevices"][0]
exec(sys.argv[2])
json.dump(d, open(sys.argv[3], "w"))' "$tmp/full.json" "$2" "$tmp/broken.json"
	run import --document "file://$tmp/broken.json"
	ok "refused: $1" said 254 "$3"
	run list-users
	ok "and nothing was changed" has "$out" '"Users": []'
}
new_host
run init --region eu-central-1 --hostname web4
broken "an unknown member" 'u["Admin"] = True' "unknown member 'Admin'"
broken "a member that is missing" 'del u["Uid"]' "'Uid' is missing"
broken "a wrong type" 'u["Uid"] = "0"' "wrong type"
broken "root's id (S27)" 'u["Uid"] = u["Gid"] = 0' "is no id"
broken "a system id (S26)" 'u["Uid"] = u["Gid"] = 33' "outside"
broken "the name root (S27)" 'u["UnixName"] = "root"' "not a Unix name"
broken "an ARN of another account" 'u["Arn"] = u["Arn"].replace("1234", "9999")' "the ARN is not"
broken "a group that is not there" 'u["Groups"] = ["Nobody"]' "Nobody"
broken "a policy that is not there" 'u["AttachedPolicies"] = ["arn:aws:iam::123456789012:policy/none"]' "policy/none"
broken "a boundary that is not there" 'u["PermissionsBoundary"] = "arn:aws:iam::123456789012:policy/none"' "policy/none"
broken "a role that trusts nobody known" 'r["AssumeRolePolicyDocument"] = r["AssumeRolePolicyDocument"].replace("Sarah", "Nobody")' "Invalid principal"
broken "a role whose trust policy is none" 'r["AssumeRolePolicyDocument"] = p["Versions"][0]["Document"]' "MalformedPolicyDocument"
broken "a role with a password" 'r["LoginProfile"] = {}' "unknown member"
broken "a role with sessions of a day" 'r["MaxSessionDuration"] = 86400' "43200"
broken "a role with a user's id" 'r["Uid"] = r["Gid"] = u["Uid"]' "in use"
broken "a policy that is none" 'p["Versions"][0]["Document"] = "{}"' "MalformedPolicyDocument"
broken "an inline policy that is none" 'u["InlinePolicies"] = {"x": "{"}' "MalformedPolicyDocument"
broken "a Unix name twice" 'g["UnixName"] = u["UnixName"]' "as well"
broken "an id twice" 'g["Gid"] = u["Uid"]' "in use"
broken "a shell with a colon" 'u["Shell"] = "/bin/sh:x"' "passwd(5)"
broken "a seed that is none" 'm["Base32StringSeed"] = "1"' "not Base32"
broken "a key that is none" 'u["SSHPublicKeys"] = [{"SSHPublicKeyId": "APKA", "Fingerprint": "", "SSHPublicKeyBody": "x", "Status": "Active", "UploadDate": "2026-11-24T09:30:00Z"}]' "SSH key"
broken "a name twice" 'import copy; d["Users"].append(dict(copy.deepcopy(u), UserName="SARAH", Arn=u["Arn"].replace("Sarah", "SARAH")))' "twice"
broken "an id of another kind" 'u["UserId"] = "Sarah"' "UserId is not AIDA"
broken "a day that is none" 'u["CreateDate"] = "2026-02-30T00:00:00Z"' "wrong type"
broken "a group twice" 'u["Groups"] = ["Marketing", "marketing"]' "twice"
broken "too many groups" 'u["Groups"] = ["g%d" % i for i in range(11)]' "more than 10"
broken "too many policies" 'u["AttachedPolicies"] = ["arn:aws:iam::123456789012:policy/p%d" % i for i in range(11)]' "more than 10"
broken "too many inline policies" 'u["InlinePolicies"] = {"p%d" % i: p["Versions"][0]["Document"] for i in range(21)}' "more than 20"
broken "inline policies that are too large together" 'u["InlinePolicies"] = {"p%d" % i: json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["host:" + "x" * 200 + str(j) for j in range(4)], "Resource": "*"}]}) for i in range(3)}' "together"
broken "a version twice" 'p["Versions"] *= 2' "twice"
broken "too many versions" 'p["NextVersion"] = 9; p["Versions"] = [dict(p["Versions"][0], VersionId="v%d" % i) for i in range(1, 7)]' "more than 5"
broken "a version that is still to come" 'p["NextVersion"] = 1' "NextVersion"
broken "a tag of another shape" 'u["Tags"] = [{"Key": "a", "Value": "b", "c": []}]' "unknown member"
broken "a tag key with a line break (S42)" 'u["Tags"] = [{"Key": "a\nb", "Value": "b"}]' "tag key"
broken "an alias that steers terminals (S42)" 'd["Account"]["AccountAlias"] = "a\u009b31m"' "is not an alias"
broken "a local group that is none (S27)" 'g["LocalGroups"] = ["root"]' "local group"
broken "a device with a drift of days" 'm["DriftSteps"] = 99999999999' "out of range"
broken "a device twice" 'd["MFADevices"] *= 2' "twice"
broken "a group with a privileged one's name (S27)" 'g["UnixName"] = "docker"' "with privileges"
broken "another host's certificate authority" 'd["Account"]["SSHCertificateAuthority"] = {}' "unknown member"
broken "a password policy that is none" 'd["Account"]["PasswordPolicy"]["MinimumPasswordLength"] = 3' "greater than or equal to 6"
broken "a password policy with a member of somebody's" 'd["Account"]["PasswordPolicy"]["Hash"] = "md5"' "Unknown parameter"
broken "a format of the future" 'd["FormatVersion"] = 2' "FormatVersion 1"
printf '{"a": "\xc3\x1b[31m\x9b31m' >"$tmp/hostile.json"
run import --document "file://$tmp/hostile.json"
ok "S42: a file that steers the terminal by its mistake" eval 'said 252 "not valid UTF-8" && has_not "$err" $'"'\033'"' '
run import --document '{"a": nul'$'\x9b''31m}'
ok "S42: and the mistake's own words" eval 'is "$status" 252 && has_not "$err" $'"'\x9b'"
expect "text that is no JSON" 254 "not valid JSON" import --document '{]'

# What may be left out by hand is there afterwards; who was deleted comes back.
python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
for k in ("Gecos", "SSHPublicKeys", "Tags"): d["Users"][0].pop(k)
json.dump(d, open(sys.argv[2], "w"))' "$tmp/full.json" "$tmp/sparse.json"
run import --document "file://$tmp/sparse.json"
ok "members that may be left out" is "$status" 0
run upload-ssh-public-key --user-name Sarah --ssh-public-key-body \
	'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl'
ok "are there for the operations" is "$status/$err" 0/
run list-ssh-public-keys --user-name Sarah
key=$(value .SSHPublicKeys.0.SSHPublicKeyId)
run deactivate-mfa-device --user-name Sarah --serial-number arn:aws:iam::123456789012:mfa/d
run delete-ssh-public-key --user-name Sarah --ssh-public-key-id "$key"
run detach-user-policy --user-name Sarah --policy-arn arn:aws:iam::123456789012:policy/p
run remove-user-from-group --user-name Sarah --group-name Marketing
run delete-login-profile --user-name Sarah
run delete-user --user-name Sarah
ok "the user is gone" is "$status/$err" 0/
run import --document "file://$tmp/full.json"
ok "S26: and comes back with her own id" is "$status/$err" 0/
broken_id() {
	python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
d["Users"][0]["UserId"] = "AIDA" + "Q" * 17
json.dump(d, open(sys.argv[2], "w"))' "$tmp/full.json" "$tmp/other.json"
	run deactivate-mfa-device --user-name Sarah --serial-number arn:aws:iam::123456789012:mfa/d
	run remove-user-from-group --user-name Sarah --group-name Marketing
	run detach-user-policy --user-name Sarah --policy-arn arn:aws:iam::123456789012:policy/p
	run delete-login-profile --user-name Sarah
	run delete-user --user-name Sarah
	run import --document "file://$tmp/other.json"
}
broken_id
ok "S26: but nobody else gets it" said 254 "in use"
finish
