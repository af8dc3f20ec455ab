#!/bin/bash
# Values: files, shorthand, JSON, secrets, limits; AWS's errors; events without secrets.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
new_account
doc='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"host:Login","Resource":"*"}]}'
printf '%s' "$doc" >"$tmp/doc.json"

expect "--x=VALUE" 0 '"UserName": "a1"' create-user --user-name=a1
printf '[{"Key":"k","Value":"v"}]' >"$tmp/tags.json"
expect "a list from a file" 0 '"Value": "v"' create-user --user-name a2 --tags "file://$tmp/tags.json"
expect "a list of JSON" 0 '"Key": "x y"' create-user --user-name a3 --tags '[{"Key":"x y","Value":""}]'
expect "quotes in shorthand" 0 '"Value": "a b+c"' create-user --user-name a4 --tags 'Key=k,Value="a b+c"'
expect "JSON for everything" 0 '"UserName": "a5"' create-user --cli-input-json '{"UserName":"a5","Path":"/x/"}'
expect "options win over it" 0 '"Path": "/y/"' create-user --cli-input-json '{"UserName":"a6","Path":"/x/"}' --path /y/
expect "a policy from a file" 0 '"PolicyName": "p"' create-policy --policy-name p --policy-document "file://$tmp/doc.json"
expect "a policy from a pipe" 0 '"PolicyName": "q"' create-policy --policy-name q --policy-document file://<(printf '%s' "$doc")
expect "flags and no-flags" 0 '"Enabled": false' create-user --user-name a7 --no-enabled

expect "a name that AWS refuses" 254 "(ValidationError) when calling the CreateUser operation: The specified value for userName is invalid." create-user --user-name 'a b'
expect "a name too long" 254 "Value at 'userName' failed to satisfy constraint: Member must have length less than or equal to 64" create-user --user-name "$(printf 'a%.0s' {1..65})"
expect "an empty name" 254 "length greater than or equal to 1" create-user --user-name ''
expect "a path" 254 "must begin and end with /" create-user --user-name b --path x
expect "an ARN" 254 "ARN x" attach-user-policy --user-name a1 --policy-arn "xxxxxxxxxxxxxxxxxxxxxxxxxx"
expect "a choice" 254 "enum value set: [Active, Inactive]" update-ssh-public-key --user-name a1 --ssh-public-key-id APKAAAAAAAAAAAAAAAAA --status On
expect "a code is short" 254 "length greater than or equal to 6" enable-mfa-device --user-name a1 --serial-number arn:aws:iam::123456789012:mfa/d --authentication-code1 12345 --authentication-code2 123456
expect "a number too large" 254 "less than or equal to 1000" list-users --max-items 1001
expect "a code" 254 "six digits" enable-mfa-device --user-name a1 --serial-number arn:aws:iam::123456789012:mfa/d --authentication-code1 7654321 --authentication-code2 123456
expect "no such user" 254 "An error occurred (NoSuchEntity) when calling the GetUser operation: " get-user --user-name nobody1

# S42, S9: what events keep and what they do not.
run_in 'Correct-horse-9
' create-login-profile --user-name a1 --password-stdin
ok "a password from standard input" is "$status" 0
ok "S9: is in no event" has_not "$(cat "$root/var/log/iam/trail.jsonl")" Correct-horse
run_in 'Wrong-horse-9' change-password --user-name a1 --new-password-stdin
ok "root changes a password, from a line without an end" is "$status/$err" 0/
ok "S9: codes are in no event" has_not "$(cat "$root/var/log/iam/trail.jsonl")" 7654321
run create-virtual-mfa-device --virtual-mfa-device-name d --outfile "$tmp/seed" --bootstrap-method Base32StringSeed
ok "a device and its seed in a file" [ -s "$tmp/seed" ]
ok "the file is its owner's only" is "$(stat -c %a "$tmp/seed")" 600
ok "S9: the seed is in no event" has_not "$(cat "$root/var/log/iam/trail.jsonl")" "$(cat "$tmp/seed")"
ok "the event has the serial number" has "$(last_event)" '"serialNumber":"arn:aws:iam::123456789012:mfa/d"'
expect "a file that is there is not replaced" 255 "Nothing was changed" create-virtual-mfa-device --virtual-mfa-device-name e --outfile "$tmp/seed"
expect "and there is no device then" 0 '"VirtualMFADevices": [' list-virtual-mfa-devices
ok "but the first" has_not "$out" mfa/e
expect "nor where no file can be" 255 "Nothing was changed" create-virtual-mfa-device --virtual-mfa-device-name e --outfile "$tmp/no/file"
ln -s "$tmp/elsewhere" "$tmp/link"
expect "S36: nor through a link" 255 "" create-virtual-mfa-device --virtual-mfa-device-name e --outfile "$tmp/link"
ok "S36: which leads nowhere still" [ ! -e "$tmp/elsewhere" ]

run get-user --user-name nobody1
ok "errors are events" has "$(last_event)" '"errorCode":"NoSuchEntity"'
ok "reading is marked" has "$(last_event)" '"readOnly":true'
ok "parameters as CloudTrail writes them" has "$(last_event)" '"requestParameters":{"userName":"nobody1"}'
ok "root is named" has "$(last_event)" '"type":"Root"'
expect "the chain of events is whole" 0 "" validate-logs

expect "a path prefix" 254 "It must begin with /" list-users --path-prefix x/
expect "an unknown member in JSON" 252 "unknown member 'AttributeValu'" lookup-events \
	--cli-input-json '{"LookupAttributes":[{"AttributeKey":"EventName","AttributeValu":"x"}]}'
expect "a member of the wrong type" 252 "AttributeValue must be a string" lookup-events \
	--lookup-attributes '[{"AttributeKey":"EventName","AttributeValue":7}]'
expect "a member that is missing" 254 "has no AttributeValue" lookup-events --lookup-attributes AttributeKey=EventName
expect "no event is as old as 1970" 0 '"Events": []' lookup-events --end-time 1970-01-01
expect "nor older" 0 '"Events": []' lookup-events --end-time 1960-01-01

# A caller's limits and timers, which sudo hands on, keep no change from its event.
(ulimit -f 16 && ulimit -t 1 && "$iamctl" create-user --user-name limited) >"$tmp/out" 2>"$tmp/err"
status=$? out=$(cat "$tmp/out") err=$(cat "$tmp/err")
ok "a limit is an error at most, and no signal" eval '[ "$status" -eq 0 ] || [ "$status" -eq 255 ]'
if (ulimit -f 16 && ulimit -f unlimited) 2>/dev/null; then
	ok "and root lifts it" is "$status" 0
else
	skip "and root lifts it" "no CAP_SYS_RESOURCE"
fi
run get-user --user-name limited
if [ "$status" -eq 0 ]; then
	ok "a change under limits has its event" grep -q '"eventName":"CreateUser".*"limited"' "$root/var/log/iam/trail.jsonl"
fi

# S7: nothing of the environment.
env IAM_ROOT=/nonexistent LD_BIND_NOW=1 AWS_DEFAULT_OUTPUT=text TMPDIR=/nonexistent SQLITE_TMPDIR=/nonexistent \
	"$iamctl" get-user --user-name a1 >"$tmp/out" 2>"$tmp/err"
status=$? out=$(cat "$tmp/out") err=$(cat "$tmp/err")
ok "S7: a hostile environment changes nothing" said 0 '"UserName": "a1"'
finish
