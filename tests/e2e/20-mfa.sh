#!/bin/bash
# The second factor as people meet it: when it is asked, enrolment, recovery codes.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

step 1 "A host with packages and an account"
sed -i '/^#*\(UsePAM\|KbdInteractiveAuthentication\|PasswordAuthentication\)/d' /etc/ssh/sshd_config
printf 'UsePAM yes\n' >>/etc/ssh/sshd_config
run "the packages" apt-get install -y /debs/libpam-iam_*.deb /debs/libnss-iam_*.deb /debs/iamctl_*.deb
sshd_start
run "init" iamctl init --region eu-central-1
echo '{"mfa": {"whenEnrolled": "policy"}}' >/etc/iam/iam.json
run "sarah, with a device" make_user sarah
cat >"$work/sarah.json" <<'JSON'
{"Version": "2012-10-17", "Statement": [
 {"Sid": "OfficeWithoutCode", "Effect": "Allow", "Action": "host:Login", "Resource": "*",
  "Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.2/32"}}},
 {"Sid": "ConsoleWithPassword", "Effect": "Allow", "Action": "host:Login", "Resource": "*",
  "Condition": {"StringEquals": {"host:Service": "login"}, "Bool": {"host:Remote": "false"}}},
 {"Sid": "ElsewhereWithCode", "Effect": "Allow", "Action": "host:Login", "Resource": "*",
  "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}},
 {"Sid": "SudoWithFreshCode", "Effect": "Allow", "Action": "host:Sudo", "Resource": "*",
  "Condition": {"NumericLessThan": {"aws:MultiFactorAuthAge": "900"}}}]}
JSON
run "her policy" allow sarah MFA "file://$work/sarah.json"

step 2 "When a code is asked"
from() { # ADDRESS CODE [COMMAND]
	talk 40 'Password: $' 'Correct horse 1' 'Verification code: $' "$2" -- \
		ssh -tt -b "$1" "${by_prompt[@]}" "${ssh_opts[@]}" sarah@host "${3:-true}"
}
run "from the office network: in" from 127.0.0.2 never
hasnt "and no code was asked" 'Verification code'
refused "from elsewhere a wrong code is refused" from 127.0.0.3 000000
has "a code was asked" 'Verification code'
run "from elsewhere: in with a code" from 127.0.0.3 "$(fresh_code sarah)"
run "on the console: in with the password" talk 40 'login: $' sarah 'Password: $' 'Correct horse 1' \
	'Verification code: $' never 'sarah@host:~\$ $' exit -- login
hasnt "and no code was asked" 'Verification code'

step 3 "sudo: again when the last code is older than 15 minutes, in this session"
echo 'sarah ALL=(ALL) ALL' >/etc/sudoers.d/sarah
chmod 440 /etc/sudoers.d/sarah
# A session waits for /tmp/NAME.N before its N-th sudo, and says /tmp/NAME.N.done.
cat >/usr/local/bin/waiting <<'SH'
#!/bin/bash
for n in 1 2 3; do
	echo "ready $n"
	while [ ! -e "/tmp/$1.$n" ]; do sleep 0.1; done
	[ "$(cat "/tmp/$1.$n")" = sudo ] || exit 0
	sudo -k id -u >"/tmp/$1.$n.out" 2>&1
	echo "$?" >"/tmp/$1.$n.done"
done
SH
chmod 755 /usr/local/bin/waiting
session() { # NAME CODE CODE-FILE: in the background; the transcript in $work/NAME
	/e2e/session.exp "$work/$1" 'Correct horse 1' "$2" "$3" -- ssh -tt -b 127.0.0.3 "${by_prompt[@]}" "${ssh_opts[@]}" \
		sarah@host "waiting $1" >/dev/null 2>&1 &
	until_has "$work/$1" 'ready 1'
}
until_has() { # FILE PATTERN
	for _ in $(seq 600); do
		grep -q -- "$2" "$1" 2>/dev/null && return 0
		sleep 0.1
	done
	return 1
}
ask_sudo() { # NAME N: have it run sudo; its status
	echo sudo >"/tmp/$1.$2"
	for _ in $(seq 600); do
		[ -e "/tmp/$1.$2.done" ] && return "$(cat "/tmp/$1.$2.done")"
		sleep 0.1
	done
	return 1
}
asked() { # NAME: how often a code was asked for, the login's included
	grep -c 'Verification code: ' "$work/$1"
}
session a "$(fresh_code sarah)" /tmp/code.a
run "session a is there" test -e "$work/a"
run "sudo within 15 minutes" ask_sudo a 1
[ "$(asked a)" -eq 1 ]
verdict $? "asks no second code"
later 960
session b "$(fresh_code sarah)" /tmp/code.b
run "session b, with a fresh code" ask_sudo b 1
[ "$(asked b)" -eq 1 ]
verdict $? "asks no second code either"
echo 000000 >/tmp/code.a
refused "session a is older than 15 minutes: b's code is not its own" ask_sudo a 2
[ "$(asked a)" -ge 2 ]
verdict $? "a code was asked in session a"
fresh_code sarah >/tmp/code.a
run "with a code of its own: sudo again" ask_sudo a 3
touch /tmp/b.2
wait

step 4 "Enrolment at login, off unless iam.json says so"
for u in nora otto; do
	run "$u, without a device" sh -c "iamctl create-user --user-name $u && echo 'Correct horse 1' |
		iamctl create-login-profile --user-name $u --password-stdin"
	run "who needs MFA to log in" iamctl attach-user-policy --user-name "$u" --policy-arn arn:aws:iam::aws:policy/HostLoginWithMFA
done
refused "off: denied (S3)" ssh_as nora 'Correct horse 1' 000000
has "by the policy" 'Access denied by policy'
echo '{"mfa": {"selfEnrolment": "policy", "selfEnrolmentDays": 7}}' >/etc/iam/iam.json
enrol_by() { # USER COMMAND...
	local user=$1
	shift
	/e2e/enrol.exp "$work/enrol.$user" 'Password: $' 'Correct horse 1' "$@"
}
run "over ssh: device, recovery codes, in" enrol_by nora ssh -tt "${by_prompt[@]}" "${ssh_opts[@]}" nora@host 'echo inside'
cp "$work/enrol.nora" "$out"
has "all the way" '^inside'
[ "$(grep -cE '^██[█▀▄ ]+██.?$' "$out")" -ge 19 ]
verdict $? "the QR code came through ssh as it is"
! tr -d '\r' <"$out" | grep -qE '^█.{80,}$'
verdict $? "not wider than 80 columns"
[ "$(grep -cE '^    ([a-z2-7]{4}-){3}[a-z2-7]{4}' "$out")" -eq 10 ]
verdict $? "ten recovery codes"
run "on the console" /e2e/enrol.exp "$work/enrol.otto" 'Password: $' 'Correct horse 1' \
	sh -c 'exec login otto'
enrolled_ssh() {
	talk 40 'Password: $' 'Correct horse 1' 'Verification code.*: $' "$1" -- \
		ssh -tt "${by_prompt[@]}" "${ssh_opts[@]}" nora@host true
}
refused "the next login wants a code" enrolled_ssh 000000
run "and takes one of the app" enrolled_ssh "$(fresh_code nora)"
later $((8 * 86400))
run "late comes eve" sh -c "iamctl create-user --user-name eve && echo 'Correct horse 1' |
	iamctl create-login-profile --user-name eve --password-stdin &&
	iamctl attach-user-policy --user-name eve --policy-arn arn:aws:iam::aws:policy/HostLoginWithMFA"
later $((8 * 86400))
refused "too late: denied (S3)" enrol_by eve ssh -tt "${by_prompt[@]}" "${ssh_opts[@]}" eve@host 'echo inside'
run "the administrator gives her time" iamctl allow-mfa-enrolment --user-name eve
run "and she enrols" enrol_by eve ssh -tt "${by_prompt[@]}" "${ssh_opts[@]}" eve@host 'echo inside'
echo '{}' >/etc/iam/iam.json

echo '{"mfa": {"selfEnrolment": "policy", "selfEnrolmentDays": 7}}' >/etc/iam/iam.json
run "who needs a device for sudo alone" sh -c "iamctl create-user --user-name ella && echo 'Correct horse 1' |
	iamctl create-login-profile --user-name ella --password-stdin"
run "by her policy" allow ella Sudo '{"Version": "2012-10-17", "Statement": [
 {"Effect": "Allow", "Action": "host:Login", "Resource": "*"},
 {"Effect": "Allow", "Action": "host:Sudo", "Resource": "*", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}]}'
echo 'ella ALL=(ALL) ALL' >/etc/sudoers.d/ella
chmod 440 /etc/sudoers.d/ella
refused "is refused by sudo, which shows nothing" talk 40 'host\) Password: $' 'Correct horse 1' 'for ella: $' 'Correct horse 1' \
	'Verification code: $' 000000 -- ssh -tt "${by_prompt[@]}" "${ssh_opts[@]}" ella@host 'sudo -k id -u'
hasnt "and promises nothing" 'Enter if you have none'
iamctl lookup-events --max-results 20 >"$out" 2>&1
has "the event says why" EnrolmentNotHere
echo '{}' >/etc/iam/iam.json

step 5 "Recovery codes"
code_of() { sed -n "s/^    \(\([a-z2-7]\{4\}-\)\{3\}[a-z2-7]\{4\}\).*/\1/p" "$work/enrol.nora" | sed -n "$1p"; }
run "the first lets her in" ssh_as nora 'Correct horse 1' "$(code_of 1)" true
has "and a line says how many are left" '9 recovery codes left'
refused "but once" ssh_as nora 'Correct horse 1' "$(code_of 1)" true
for i in 1 2 3 4 5 6 7 8; do
	(ssh_as nora 'Correct horse 1' "$(code_of 2)" "echo inside-$i" >"$work/race.$i" 2>&1) &
done
wait
cat "$work"/race.* >"$out"
[ "$(grep -c '^inside-' "$out")" -eq 1 ]
verdict $? "S35: eight logins at once with one recovery code: exactly one gets in"
mount --bind /var/lib/iam /var/lib/iam && mount -o remount,bind,ro /var/lib/iam
refused "S38: with the store read-only none is taken" ssh_as nora 'Correct horse 1' "$(code_of 3)" true
run "codes of the device go on" ssh_as nora 'Correct horse 1' "$(fresh_code nora)" true
umount /var/lib/iam
run "and it is still good afterwards" ssh_as nora 'Correct horse 1' "$(code_of 3)" true
mv /run/iam /run/iam.before
refused "a used one stays used after a reboot" ssh_as nora 'Correct horse 1' "$(code_of 3)" true
look "get-login-status" iamctl get-login-status --user-name nora
has "counts them" '"RecoveryCodesLeft": 7'
look "new ones" iamctl create-recovery-codes --user-name nora
refused "make the old ones worthless" ssh_as nora 'Correct horse 1' "$(code_of 4)" true
run "a plus sign behind a code shows new ones at the login" talk 40 'Password: $' 'Correct horse 1' \
	'Verification code: $' "$(fresh_code nora)+" 'Press Enter to go on: $' '' -- \
	ssh -tt "${by_prompt[@]}" "${ssh_opts[@]}" nora@host 'echo inside'
[ "$(grep -cE '^    ([a-z2-7]{4}-){3}[a-z2-7]{4}' "$out")" -eq 10 ]
verdict $? "ten of them"
new_code=$(grep -oE '([a-z2-7]{4}-){3}[a-z2-7]{4}' "$out" | head -n 1)
run "they are good" ssh_as nora 'Correct horse 1' "$new_code" true
iamctl lookup-events --max-results 1000 >"$out" 2>&1
for e in BeginMFAEnrolment CompleteMFAEnrolment UseRecoveryCode CreateRecoveryCodes; do
	has "the trail has $e" "\"EventName\": \"$e\""
done
grep -rlF -e "$(code_of 5)" -e "$(seed_of nora)" /var/log /run /var/lib/iam >"$out" 2>/dev/null
[ ! -s "$out" ]
verdict $? "S9: no recovery code and no seed in logs, runtime state or store"

step 6 "In the language of the host"
echo 'LANG=de_DE.UTF-8' >/etc/default/locale
run "the prompts are German" talk 40 'Passwort: $' 'Correct horse 1' 'Bestätigungscode: $' "$(fresh_code nora)" -- \
	ssh -tt "${by_prompt[@]}" "${ssh_opts[@]}" nora@host true
refused "and so is what is said" talk 40 'Passwort: $' 'Correct horse 1' 'Bestätigungscode: $' "$(fresh_code sarah)" -- \
	ssh -tt -b 127.0.0.4 "${by_prompt[@]}" "${ssh_opts[@]}" -o SetEnv=LANG=C otto@host true
echo 'LANG=C.UTF-8' >/etc/default/locale
finish
