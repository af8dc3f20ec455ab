#!/bin/bash
# Passwords that grow old, and local accounts under policy: the real sshd, login
# and passwd.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

anything='{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"host:*","Resource":"*"}}'
ssh_to() { # USER PATTERN ANSWER ...: a session that runs true
	local user=$1
	shift
	talk 40 "$@" -- ssh -tt "${by_prompt[@]}" "${ssh_opts[@]}" "$user@host" true
}
change_at() { # USER OLD NEW: by ssh, where a new password is asked for
	ssh_to "$1" 'Password: $' "$2" 'New password: $' "$3" 'Retype new password: $' "$3"
}
on_console() { # USER PATTERN ANSWER ...
	local user=$1
	shift
	talk 40 'login: $' "$user" "$@" '\$ $' exit -- login
}
change_on_console() { # USER OLD NEW
	on_console "$1" 'Password: $' "$2" 'New password: $' "$3" 'Retype new password: $' "$3"
}
by_passwd() { # USER OLD NEW: passwd within a session by ssh
	talk 40 'Password: $' "$2" 'Current password: $' "$2" 'New password: $' "$3" \
		'Retype new password: $' "$3" -- \
		ssh -tt "${by_prompt[@]}" "${ssh_opts[@]}" "$1@host" passwd
}
set_password() { # USER PASSWORD [OPTION]
	printf '%s\n' "$2" | iamctl update-login-profile --user-name "$1" --password-stdin "${@:3}"
}

step 0 "A host with a person of IAM's own and two local ones"
local_account
useradd -m -s /bin/bash bert
echo 'bert:local secret' | chpasswd
run "apt installs the packages" apt-get install -y /debs/libpam-iam_*.deb /debs/libnss-iam_*.deb /debs/iamctl_*.deb
run "init" iamctl init --region eu-central-1
check "sarah" iamctl create-user --user-name sarah
printf 'First password 1\n' | iamctl create-login-profile --user-name sarah --password-stdin >/dev/null
check "who may do anything" allow sarah anything "$anything"
check "sshd runs" sshd_start
check "sarah logs in" ssh_to sarah 'Password: $' 'First password 1'

step 1 "The account's password policy"
run "has a length, a class, an age and a memory" iamctl update-account-password-policy \
	--minimum-password-length 12 --require-numbers --allow-users-to-change-password \
	--max-password-age 30 --password-reuse-prevention 3
refused "passwd takes none without a number" by_passwd sarah 'First password 1' 'No number in it'
has "and says what is missing" 'at least one number'
check "it takes a good one" by_passwd sarah 'First password 1' 'Second password 2'
refused "the old one is refused at once" ssh_to sarah 'Password: $' 'First password 1'

step 2 "A month later"
at '2026-12-24 09:00:00 UTC'
check "ssh asks for a new password before the session begins" change_at sarah 'Second password 2' 'Third password 3'
has "and says why" 'Your password has expired'
refused "the old one is refused" ssh_to sarah 'Password: $' 'Second password 2'
check "the new one is good, and nothing more is asked" ssh_to sarah 'Password: $' 'Third password 3'
hasnt "not even told" 'has expired'
at '2027-01-24 09:00:00 UTC'
refused "one of the last three is not taken" change_at sarah 'Third password 3' 'First password 1'
has "which it says" 'one of the last 3'
check "login on the console asks as well" change_on_console sarah 'Third password 3' 'Fourth password 4'
check "and then lets her in" on_console sarah 'Password: $' 'Fourth password 4'

step 3 "A reset"
check "the administrator sets a password for one login" set_password sarah 'For once only 5' --password-reset-required
check "at which it has to be changed" change_at sarah 'For once only 5' 'Fifth password 6'
has "as she is told" 'administrator asks you'
check "that was it" ssh_to sarah 'Password: $' 'Fifth password 6'

step 4 "HardExpiry"
run "the policy leaves expired passwords to the administrator" iamctl update-account-password-policy \
	--minimum-password-length 12 --max-password-age 30 --hard-expiry --allow-users-to-change-password
at '2027-03-24 09:00:00 UTC'
refused "ssh is denied" change_at sarah 'Fifth password 6' 'Sixth password 7'
has "with a calm line" 'set by your administrator'
hasnt "and no question" 'New password'
refused "login as well" on_console sarah 'Password: $' 'Fifth password 6'
check "the event says why" iamctl lookup-events --lookup-attributes AttributeKey=Username,AttributeValue=sarah --output json
has "that the password has expired" 'PasswordExpired'
check "the administrator sets a new one" set_password sarah 'Sixth password 7'
check "and she is in" ssh_to sarah 'Password: $' 'Sixth password 7'
check "no policy, no age" iamctl delete-account-password-policy

step 5 "A local account under policy"
traces() { cksum /etc/passwd /etc/shadow /etc/group /etc/gshadow; ls -lnR --time-style=full-iso /home/lena; id lena; }
traces >"$work/before"
run "lena is adopted, with her password" iamctl adopt-local-user --user-name lena --take-password
refused "without a policy she is not let in" ssh_to lena 'Password: $' 'local secret' 'Verification code: $' 000000
has "by policy" 'Access denied by policy'
check "with one" allow lena anything "$anything"
check "she is, with the password that she had" ssh_to lena 'Password: $' 'local secret'
check "sudo asks the policies" talk 40 'lena: $' 'local secret' -- runuser -u lena -- sudo -k -p 'lena: ' true
check "her hash is yescrypt still" iamctl export --include-secrets
has "in the store" '"PasswordHash": "\$y\$'
check "passwd changes the password that IAM has" by_passwd lena 'local secret' 'Another secret 9'
check "which is hers now" ssh_to lena 'Password: $' 'Another secret 9'
refused "and the local one is not" ssh_to lena 'Password: $' 'local secret'
traces >"$work/after"
check "her entry, ids, home and files are untouched" diff "$work/before" "$work/after"
check "who is local still goes on" ssh_to bert 'assword: $' 'local secret'
check "S2: a damaged snapshot" truncate -s 100 /var/lib/iam/snapshot/private
refused "denies her" ssh_to lena 'assword: $' 'local secret' 'Verification code: $' 000000
check "S0: and not bert" ssh_to bert 'assword: $' 'local secret'
check "iamctl publish mends it" iamctl publish
check "she is in again" ssh_to lena 'Password: $' 'Another secret 9'
run "released" iamctl release-local-user --user-name lena
check "she is a local account as before" ssh_to lena 'assword: $' 'local secret'
local_people_go_on "at the end"
sshd_stop
finish
