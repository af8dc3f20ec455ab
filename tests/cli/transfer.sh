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

run export
ok "export" is "$(value .Users.0.UserName)/$(value .Groups.0.GroupName)/$(value .Policies.0.PolicyName)" Sarah/Marketing/p
ok "S9: without secrets by default" eval 'has_not "$out" PasswordHash && has_not "$out" Seed'
printf '%s' "$out" >"$tmp/bare.json"
run export --include-secrets --outfile "$tmp/full.json"
ok "export into a file" is "$status/$out" 0/
ok "which is its owner's only" is "$(stat -c %a "$tmp/full.json")" 600
ok "with secrets" grep -q '"Base32StringSeed": "'"$(cat "$tmp/seed")"'"' "$tmp/full.json"
ok "S9: which are in no event" has_not "$(cat "$root/var/log/iam/trail.jsonl")" "$(cat "$tmp/seed")"

expect "import into the same account" 0 '"Users": 1' import --document "file://$tmp/bare.json"
run export --include-secrets
ok "keeps the secrets that are here" is "$out" "$(cat "$tmp/full.json")"

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
u = d["Users"][0]; g = d["Groups"][0]; p = d["Policies"][0]; m = d["MFADevices"][0]
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
broken "a policy that is none" 'p["Versions"][0]["Document"] = "{}"' "MalformedPolicyDocument"
broken "an inline policy that is none" 'u["InlinePolicies"] = {"x": "{"}' "MalformedPolicyDocument"
broken "a Unix name twice" 'g["UnixName"] = u["UnixName"]' "as well"
broken "an id twice" 'g["Gid"] = u["Uid"]' "in use"
broken "a shell with a colon" 'u["Shell"] = "/bin/sh:x"' "passwd(5)"
broken "a seed that is none" 'm["Base32StringSeed"] = "1"' "not Base32"
broken "a key that is none" 'u["SSHPublicKeys"] = [{"SSHPublicKeyId": "APKA", "Fingerprint": "", "SSHPublicKeyBody": "x", "Status": "Active", "UploadDate": ""}]' "SSH key"
broken "a format of the future" 'd["FormatVersion"] = 2' "FormatVersion 1"
expect "text that is no JSON" 254 "not valid JSON" import --document '{]'
finish
