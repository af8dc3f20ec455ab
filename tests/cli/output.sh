#!/bin/bash
# json, text and table; what a terminal must not see; output that cannot be written.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
new_account
run create-user --user-name sarah --tags Key=department,Value=marketing Key=b,Value=
ok "create-user" is "$(value .User.UserName)" sarah
ok "JSON is indented by four spaces" has "$out" '
    "User": {
        "'
run list-user-tags --user-name sarah --output text
# As botocore's text formatter does: scalars of the top first, then lists.
ok "text" is "$out" "False
TAGS	b	
TAGS	department	marketing"
run list-user-tags --user-name sarah --output table --color off
ok "table" has "$out" "| Key        | Value     |"
ok "no colour" has_not "$out" $'\033'
run list-user-tags --user-name sarah --output table --color on
ok "colour when asked for" has "$out" $'\033[1m'
run update-user --user-name sarah --gecos "Sarah"
ok "an empty answer prints nothing" is "$status/$out" 0/

# S42: text that steers a terminal. Bidi override and CSI (U+009B).
run create-policy --policy-name odd --description $'a\xe2\x80\xaeb\xc2\x9b31m' \
	--policy-document '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}'
ok "policy with an odd description" is "$status" 0
for format in json text table; do
	run get-policy --policy-arn arn:aws:iam::123456789012:policy/odd --output $format
	ok "S42: $format escapes what steers a terminal" has "$out" 'a\u202eb\u009b31m'
done

if [ -w /dev/full ]; then
	"$iamctl" list-users >/dev/full 2>"$tmp/err"
	status=$? err=$(cat "$tmp/err")
	ok "a full disk is an error" said 255 "No space left"
	"$iamctl" create-user --user-name full >/dev/full 2>"$tmp/err"
	status=$? err=$(cat "$tmp/err")
	ok "and after a change it says that the change was made" said 255 "The change was made."
fi
expect "as it was" 0 '"full"' get-user --user-name full
"$iamctl" create-user --user-name closed >&- 2>"$tmp/err"
status=$? err=$(cat "$tmp/err")
ok "closed standard output is an error" said 255 "The change was made."
"$iamctl" list-users 2>&- >"$tmp/out"
status=$? out=$(cat "$tmp/out")
ok "closed standard error is none" said 0 closed
"$iamctl" list-users <&- >"$tmp/out"
status=$? out=$(cat "$tmp/out")
ok "closed standard input is none" said 0 closed
(trap '' PIPE; "$iamctl" list-users 2>"$tmp/err"; echo $? >"$tmp/status") | :
ok "a reader that went away is no signal" [ -s "$tmp/status" ]
finish
