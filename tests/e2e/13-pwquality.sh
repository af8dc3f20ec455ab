#!/bin/bash
# pam_pwquality before us in the password stack: it asks for the new password and may
# refuse it, and nobody asks a second time.
# packages: libpam-pwquality
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

anything='{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"host:*","Resource":"*"}}'
weak='qwertz12'
ssh_to() { # USER PATTERN ANSWER ...: a session that runs true
	local user=$1
	shift
	talk 40 "$@" -- ssh -tt "${by_prompt[@]}" "${ssh_opts[@]}" "$user@host" true
}
by_passwd() { # OLD NEW: sarah runs passwd in a session by ssh
	talk 60 'Password: $' "$1" 'Current password: $' "$1" 'New password: $' "$2" \
		'Retype new password: $' "$2" -- ssh -tt "${by_prompt[@]}" "${ssh_opts[@]}" sarah@host passwd
}
change_at() { # OLD NEW: at a login by ssh
	ssh_to sarah 'Password: $' "$1" 'New password: $' "$2" 'Retype new password: $' "$2"
}
asked() { # PROMPT TIMES: so often in the last output
	[ "$(grep -o "$1" "$out" | wc -l)" -eq "$2" ]
	verdict $? "\"$1\" came $2 times"
}

step 1 "A host where both are installed"
run "the packages" apt-get install -y --no-install-recommends /debs/libpam-iam_*.deb /debs/libnss-iam_*.deb \
	/debs/iamctl_*.deb libpam-pwquality
# Its dictionary is another package's; length, classes and likeness are judged without.
printf 'minlen = 12\nminclass = 2\ndictcheck = 0\n' >/etc/security/pwquality.conf
grep -n -A9 '^password' /etc/pam.d/common-password >"$out"
sed -n '/^password/p' /etc/pam.d/common-password | awk '/pam_pwquality/ {q = NR} /pam_iam/ {i = NR} END {exit !(q && q < i)}'
verdict $? "pam_pwquality is asked before pam_iam"
has "which takes what that one asked for" 'pam_iam.so use_authtok'
run "init" iamctl init --region eu-central-1
run "sarah" iamctl create-user --user-name sarah
printf 'First password 1\n' | iamctl create-login-profile --user-name sarah --password-stdin >/dev/null
run "who may do anything" allow sarah anything "$anything"
run "sshd" sshd_start

step 2 "passwd"
refused "a weak password is refused" by_passwd 'First password 1' "$weak"
has "by pam_pwquality" 'BAD PASSWORD'
asked 'Current password: ' 1
run "the old one is good still" ssh_to sarah 'Password: $' 'First password 1'
run "a good one is taken" by_passwd 'First password 1' 'Zebra kiosk 47 lamp'
asked 'Current password: ' 1
asked 'New password: ' 1
asked 'Retype new password: ' 1
run "and is hers now" ssh_to sarah 'Password: $' 'Zebra kiosk 47 lamp'
refused "the old one is not" ssh_to sarah 'Password: $' 'First password 1'

step 3 "A password that must be changed at a login by ssh"
printf 'For once only 5\n' | iamctl update-login-profile --user-name sarah --password-stdin --password-reset-required
refused "a weak password is refused" change_at 'For once only 5' "$weak"
has "by pam_pwquality" 'BAD PASSWORD'
run "a good one lets her in" change_at 'For once only 5' 'Violin otter 93 moss'
asked 'New password: ' 1
asked 'Retype new password: ' 1
run "and nothing more is asked" ssh_to sarah 'Password: $' 'Violin otter 93 moss'
hasnt "no new password" 'New password'

step 4 "Both policies hold"
run "the account asks for a symbol" iamctl update-account-password-policy --minimum-password-length 8 \
	--require-symbols --allow-users-to-change-password
refused "what pam_pwquality would take is refused by ours" by_passwd 'Violin otter 93 moss' 'Violet0tterLampK9'
has "with its reason" 'password policy'
asked 'New password: ' 1
sshd_stop
finish
