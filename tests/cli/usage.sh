#!/bin/bash
# What the command line takes, refuses and explains, before anything is done.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
new_host

expect "version" 0 "iamctl " --version
expect "help lists operations" 0 "create-user" help
expect "help of an operation" 0 "--user-name TEXT" create-user help
expect "--help of an operation" 0 "--user-name TEXT" create-user --help
expect "help before the operation" 0 "--user-name TEXT" help create-user
expect "no operation" 252 "An operation is needed"
expect "unknown operation, near one" 252 "Did you mean 'create-user'?" creat-user
expect "unknown operation, far from all" 252 "'iamctl help' lists all" xyzzy
expect "names as the API has them are not for the command line" 252 "Did you mean 'create-user'" Create-User
expect "unknown option, near one" 252 "Did you mean --user-name?" create-user --user-nam x
expect "unknown option, far from all" 252 "lists all" create-user --zzzzzzzzzzzz x
expect "--query is explained" 252 "jq(1)" list-users --query Users
expect "missing required option" 252 "the following arguments are required: --user-name" create-user
expect "option without its value" 252 "needs a value" create-user --user-name
expect "value that looks like an option" 252 "--option=VALUE" create-user --user-name --path
expect "option given twice" 252 "given twice" create-user --user-name a --user-name b
expect "word that belongs to no option" 252 "'x' belongs to no option" create-user --user-name a x
expect "unknown output format" 252 "is not one of json, table, text" list-users --output yaml
expect "not a number" 252 "is not a whole number" list-users --max-items ten
expect "shorthand that is none" 252 "expected Name=value" create-user --user-name a --tags department
expect "shorthand with an unknown member" 252 "unknown member 'Kye'" create-user --user-name a --tags Kye=a,Value=b
expect "a tag without a value" 252 "Key=NAME,Value=TEXT" create-user --user-name a --tags Key=a
expect "JSON that is none" 252 "line 1" create-user --user-name a --tags '[{"Key"'
expect "JSON with a name twice" 252 "duplicate" create-user --user-name a --tags '[{"Key":"a","Key":"b","Value":"c"}]'
expect "file that is not there" 252 "No such file" create-user --user-name file:///nonexistent
expect "unknown parameter in --cli-input-json" 252 "unknown parameter 'Name'" create-user --cli-input-json '{"Name":"a"}'
expect "wrong type in --cli-input-json" 252 "UserName must be a string" create-user --cli-input-json '{"UserName":7}'
expect "invalid UTF-8" 252 "not valid UTF-8" create-user --user-name $'\xff'

run create-login-profile --user-name a --password hunter2
ok "S9: a password on the command line is refused" said 252 "--password-stdin"
ok "S9: and not repeated" has_not "$err" hunter2
expect "S9: nor in JSON on the command line" 252 "file://FILE" create-login-profile \
	--cli-input-json '{"UserName":"a","Password":"hunter2"}'
expect "a password is needed, and there is no terminal" 252 "--password-stdin" create-login-profile --user-name a
expect "standard input without a line" 252 "has no line" create-login-profile --user-name a --password-stdin

run create-user --generate-cli-skeleton
ok "skeleton is JSON" said 0 '"UserName": ""'
ok "skeleton has lists" is "$(value .Tags.0.Key)" ""
run create-login-profile --generate-cli-skeleton
ok "skeleton asks for no secret" has_not "$out" Password\"
ok "nothing was made by all this" [ ! -e "$root/etc/iam" ]

expect "before init" 255 "run 'iamctl init" list-users
expect "and changes are refused" 255 "run 'iamctl init" create-user --user-name a

# Completion
run --complete create-us
ok "completion of operations" is "$out" create-user
run --complete create-user --user
ok "completion of options" is "$out" --user-name
run --complete create-user --output ''
ok "completion of choices" is "$out" "json
table
text"
run --complete create-user --output=t
ok "completion of choices after =" is "$out" "table
text"
run --complete create-login-profile --pass
ok "completion offers no way to type a password" has "$out" --password-stdin
# shellcheck disable=SC1091,SC2034
completed() { # LINE
	bash -c '. iamctl/completion/iamctl.bash
		iamctl() { "'"$iamctl"'" "$@"; }
		COMP_LINE=$1 COMP_POINT=${#1}
		_iamctl; printf "%s\n" "${COMPREPLY[@]}"' - "$1"
}
ok "bash completes operations" is "$(completed 'iamctl create-us')" create-user
ok "bash completes values" is "$(completed 'iamctl list-users --output ta')" table
ok "bash completes values after =" is "$(completed 'iamctl list-users --output=ta')" table
ok "bash completes files, behind the colon" is "$(completed 'iamctl create-policy --policy-document file://CHANGE')" //CHANGELOG.md
ok "bash completes files to be made" is "$(completed 'iamctl export --outfile CHANGE')" CHANGELOG.md
finish
