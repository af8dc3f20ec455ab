#!/bin/bash
# A person logs in to a real Debian host, the whole way. Numbers are the story's.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

tuesday='2026-11-24'   # the story begins on Monday the 23rd

local_people_go_on() { # [WHEN]
	later 1
	run "local account logs in by ssh ${1:-}" \
		talk 40 'assword: $' 'local secret' -- ssh -tt "${by_prompt[@]}" "${ssh_opts[@]}" lena@127.0.0.1 true
	run "root switches to the local account ${1:-}" su - lena -c true
	run "the local account uses sudo ${1:-}" \
		talk 40 'lena: $' 'local secret' -- runuser -u lena -- sudo -k -p 'lena: ' true
}

# ------------------------------------------------------------------
step 0 "Before: a Debian host with sshd, sudo and a local account"
useradd -m -s /bin/bash -G sudo lena
echo 'lena:local secret' | chpasswd
sed -i '/^#*\(UsePAM\|KbdInteractiveAuthentication\|PasswordAuthentication\)/d' /etc/ssh/sshd_config
cp /etc/nsswitch.conf "$work/nsswitch.before"
cp -r /etc/pam.d "$work/pam.before"
printf 'UsePAM yes\nKbdInteractiveAuthentication no\n' >>/etc/ssh/sshd_config

step 1 "Install the packages; no question is asked and nothing edited by hand"
run "apt installs them" apt-get install -y /debs/libpam-iam_*.deb /debs/libnss-iam_*.deb /debs/iamctl_*.deb
run "the PAM profile is live" grep -q pam_iam.so /etc/pam.d/common-auth
run "nsswitch has the module after files" grep -Eq '^passwd:[[:space:]]*files.* iam' /etc/nsswitch.conf
run "sshd has keyboard-interactive on" sh -c "sshd -T | grep -qx 'kbdinteractiveauthentication yes'"
sshd_start
run "before init the modules are inert: getent" getent passwd lena
local_people_go_on "before init"

step 2 "Make the account"
look "init" iamctl init --region eu-central-1 --tags Key=environment,Value=prod
refused "a second init is refused" iamctl init --region eu-central-1
has "and says why, in AWS's words" 'EntityAlreadyExists'
local_people_go_on "after init"

step 3 "Users, a password, a device, groups and policies"
look "create-user" iamctl create-user --user-name sarah --tags Key=department,Value=marketing
run "create-login-profile" sh -c "echo 'Correct horse 1' | iamctl create-login-profile --user-name sarah --password-stdin"
run "create and enable a virtual MFA device" enroll sarah
run "create-group" iamctl create-group --group-name marketing
run "add-user-to-group" iamctl add-user-to-group --group-name marketing --user-name sarah
cat >"$work/sarah.json" <<'JSON'
{"Version": "2012-10-17", "Statement": [{"Sid": "TuesdaysNineToFive", "Effect": "Allow",
 "Action": ["host:Login", "host:Sudo", "host:SwitchUser", "host:RunScheduled"], "Resource": "*",
 "Condition": {"TimeOfDayWithin": {"aws:CurrentTime": "Tue 09:00-17:00"}}}]}
JSON
cat >"$work/bob.json" <<'JSON'
{"Version": "2012-10-17", "Statement": [{"Sid": "OnlyUsEast", "Effect": "Allow", "Action": "host:Login", "Resource": "*",
 "Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}}]}
JSON
look "create-policy" iamctl create-policy --policy-name Sarah --policy-document "file://$work/sarah.json"
arn=$(sed -n 's/.*"Arn": "\(.*\)".*/\1/p' "$out")
run "attach-user-policy" iamctl attach-user-policy --user-name sarah --policy-arn "$arn"
run "put-group-policy" iamctl put-group-policy --group-name marketing --policy-name NoWeekends --policy-document \
	'{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"host:*","Resource":"*","Condition":{"TimeOfDayWithin":{"aws:CurrentTime":"Sat,Sun"}}}]}'
run "bob, who has a device too" make_user bob 'Correct horse 2'
run "bob's policy" iamctl put-user-policy --user-name bob --policy-name Region --policy-document "file://$work/bob.json"
refused "a broken policy is refused" iamctl create-policy --policy-name Broken --policy-document '{"Version":"2012-10-17","Statement":[{"Effect":"Allow"}]}'
has "with a place and a reason" 'MalformedPolicyDocument'
look "the QR code on a terminal" talk 20 NEVER x -- iamctl create-virtual-mfa-device --virtual-mfa-device-name spare --output text
has "an otpauth URI beside it" 'otpauth://totp/'

step 4 "The host knows them"
look "getent passwd" getent passwd sarah
has "with x as password field" '^sarah:x:'
look "id" id sarah
has "id shows the group" 'marketing'
look "getent group" getent group marketing
has "the group has its member" ':sarah$'
run "getent initgroups" getent initgroups sarah
run "for every user of the host" runuser -u lena -- getent passwd sarah

step 5 "ssh: password, code, a shell on Tuesdays from nine to five"
at '2026-11-23 10:00:00 UTC'
refused "Monday: denied" ssh_as sarah 'Correct horse 1' "$(code sarah)" true
shown
has "both prompts came" 'Verification code'
has "a calm line names the event" '[0-9a-f]{8}-[0-9a-f]{4}-4'
at "$tuesday 09:00:05 UTC"
look "Tuesday 09:00: in" ssh_as sarah 'Correct horse 1' "$(code sarah)" 'id -un; pwd; ls -lad "$HOME"'
has "as herself, in her home" '/home/sarah'
freeze "$tuesday 16:59:59 UTC"
run "Tuesday 16:59:59: in" ssh_as sarah 'Correct horse 1' "$(code sarah)" true
freeze "$tuesday 17:00:00 UTC"
refused "Tuesday 17:00:00: denied" ssh_as sarah 'Correct horse 1' "$(code sarah)" true
next_week='2026-12-01'
at "$next_week 10:00:00 UTC"

step 6 "bob, only in us-east-1"
refused "denied in eu-central-1" ssh_as bob 'Correct horse 2' "$(fresh_code bob)" true
run "the host moves" iamctl update-host --region us-east-1
run "let in in us-east-1" ssh_as bob 'Correct horse 2' "$(fresh_code bob)" true
run "edited by hand" sed -i 's/us-east-1/eu-central-1/' /etc/iam/host.json
refused "denied again, without another command" ssh_as bob 'Correct horse 2' "$(fresh_code bob)" true

step 7 "Wrong password, wrong code, used code, unknown user: all look alike"
transcript() { sed -E 's/\r$//; /Permanently added/d; s/(nobody-here|sarah|bob)/NAME/g' "$out" >"$1"; }
used=$(fresh_code sarah)
run "the right password and code" ssh_as sarah 'Correct horse 1' "$used" true
refused "the same code again" ssh_as sarah 'Correct horse 1' "$used" true
transcript "$work/t.used"
refused "a wrong code" ssh_as sarah 'Correct horse 1' 000000 true
transcript "$work/t.code"
refused "a wrong password" ssh_as sarah 'wrong' "$(fresh_code sarah)" true
transcript "$work/t.password"
refused "an unknown user" ssh_as nobody-here 'wrong' 000000 true
transcript "$work/t.unknown"
run "the transcripts are equal" sh -c "cd '$work' && cmp t.used t.code && cmp t.used t.password && cmp t.used t.unknown"
one_code=$(fresh_code sarah)
for i in 1 2 3 4 5 6 7 8; do
	(ssh_as sarah 'Correct horse 1' "$one_code" "echo inside-$i" >"$work/race.$i" 2>&1) &
done
wait
cat "$work"/race.* >"$out"
[ "$(grep -c '^inside-' "$out")" -eq 1 ]
verdict $? "S35: eight logins at once with one code: exactly one gets in"

step 8 "sudo, su, login and cron ask the policy, each under its action"
echo 'sarah ALL=(ALL) ALL' >/etc/sudoers.d/sarah
chmod 440 /etc/sudoers.d/sarah
sudo_as_sarah() { # COMMAND in a session of sarah's that has a fresh code
	talk 60 'Password: $' 'Correct horse 1' 'Verification code: $' "$(fresh_code sarah)" \
		'password for sarah: $' 'Correct horse 1' -- \
		ssh -tt "${by_prompt[@]}" "${ssh_opts[@]}" sarah@127.0.0.1 "$1"
}
run "sudo" sudo_as_sarah 'sudo -k id -u'
run "sudo -i" sudo_as_sarah 'sudo -k -i id -u'
lena_su() { talk 40 'Password: $' 'Correct horse 1' 'Verification code: $' "$(fresh_code sarah)" -- runuser -u lena -- su "$@"; }
run "su sarah" lena_su sarah -c true
run "su - sarah" lena_su - sarah -c true
run "login on a terminal" talk 40 'login: $' sarah 'Password: $' 'Correct horse 1' 'Verification code: $' "$(fresh_code sarah)" \
	'sarah@host:~\$ $' exit -- login
at '2026-12-02 10:00:00 UTC'
echo 'sarah ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/sarah
refused "Wednesday: su sarah is denied" lena_su sarah -c true
refused "Wednesday: login is denied" talk 40 'login: $' sarah 'Password: $' 'Correct horse 1' 'Verification code: $' "$(fresh_code sarah)" \
	'sarah@host:~\$ $' exit -- login
run "Wednesday: a policy for login alone" iamctl put-user-policy --user-name sarah --policy-name Wed --policy-document \
	'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"host:Login","Resource":"*"}]}'
refused "login is allowed, sudo (NOPASSWD) is not" sudo_as_sarah 'sudo -n true'
run "cron is asked as well" bash /e2e/cron.sh sarah refused
run "a policy for scheduled work" iamctl put-user-policy --user-name sarah --policy-name Cron --policy-document \
	'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"host:RunScheduled","Resource":"*"}]}'
run "and allowed, cron runs her job" bash /e2e/cron.sh sarah ran
run "sudo allowed by action" iamctl put-user-policy --user-name sarah --policy-name Sudo --policy-document \
	'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"host:Sudo","Resource":"*"}]}'
run "sudo (NOPASSWD) now" sudo_as_sarah 'sudo -n true'

step 9 "SSH keys"
ssh-keygen -q -t ed25519 -N '' -f "$work/key"
chmod 755 "$work"
run "upload-ssh-public-key" iamctl upload-ssh-public-key --user-name sarah --ssh-public-key-body "file://$work/key.pub"
key_login() { # COMMAND; the code, when asked, from $2
	talk 40 'Password: $' 'not asked' 'Verification code: $' "${2:-none}" -- \
		ssh -tt "${ssh_opts[@]}" -o PreferredAuthentications=publickey,keyboard-interactive -i "$work/key" sarah@127.0.0.1 "$1"
}
run "the key lets her in where the policy allows" key_login true
run "no code where the policy demands one" iamctl put-user-policy --user-name sarah --policy-name Wed --policy-document \
	'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"host:Login","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}]}'
refused "a key alone is then refused by the account phase" key_login true
sshd_stop
sshd_start -o AuthenticationMethods=publickey,keyboard-interactive
run "publickey,keyboard-interactive: in with key and code" key_login true "$(fresh_code sarah)"
has "the code is asked" 'Verification code'
hasnt "the password is not" 'Password'
sshd_stop
sshd_start

step 10 "passwd changes the IAM password"
change() {
	talk 60 'Password: $' 'Correct horse 1' 'Verification code: $' "$(fresh_code sarah)" \
		'Current password: $' 'Correct horse 1' 'ew password: $' 'Battery staple 2' -- \
		ssh -tt "${by_prompt[@]}" "${ssh_opts[@]}" sarah@127.0.0.1 passwd
}
look "passwd as sarah" change
refused "the old one is refused at once" ssh_as sarah 'Correct horse 1' "$(fresh_code sarah)" true
run "the new one is good" ssh_as sarah 'Battery staple 2' "$(fresh_code sarah)" true

step 11 "Whatever breaks, root and local accounts go on, and IAM users are denied"
broken() { # DESCRIPTION
	local_people_go_on "with $1"
	refused "sarah is denied with $1" ssh_as sarah 'Battery staple 2' "$(fresh_code sarah)" true
	run "root logs in on a terminal with $1" talk 40 'login: $' root 'assword: $' 'root secret' '# $' exit -- login
}
echo 'root:root secret' | chpasswd
cp -a /var/lib/iam "$work/lib"
mend() { rm -rf /var/lib/iam; cp -a "$work/lib" /var/lib/iam; iamctl publish >/dev/null; }
rm /var/lib/iam/iam.db*
run "iam.db deleted: logins go on from the snapshot" ssh_as sarah 'Battery staple 2' "$(fresh_code sarah)" true
local_people_go_on "with the store deleted"
mend
rm -f /var/lib/iam/snapshot/private* /var/lib/iam/snapshot/public*
broken "the snapshots deleted (S2)"
mend
for f in /var/lib/iam/snapshot/private /var/lib/iam/snapshot/public; do truncate -s 100 "$f"; done
broken "the snapshots truncated (S25)"
mend
for f in /var/lib/iam/snapshot/private /var/lib/iam/snapshot/public; do
	head -c "$(stat -c %s "$f")" /dev/urandom >"$work/noise"; cat "$work/noise" >"$f"
done
broken "random bytes in the snapshots (S2)"
mend
run "mended, she is back" ssh_as sarah 'Battery staple 2' "$(fresh_code sarah)" true
bash /e2e/disk.sh full >"$out" 2>&1
verdict $? "S38: with the disk full, logins and replay protection go on"
bash /e2e/disk.sh readonly >"$out" 2>&1
verdict $? "S38: with the disk read-only, logins and replay protection go on"
module=$(dpkg -L libpam-iam | grep 'pam_iam\.so$')
cp -p "$module" "$work/module"
rm "$module"
broken "the module file missing (S5)"
head -c 5000 "$work/module" >"$module"
broken "half of the module file (S5)"
cp -p "$work/module" "$module"
run "with the module back, she is in" ssh_as sarah 'Battery staple 2' "$(fresh_code sarah)" true

step 12 "Why: simulation and the trail"
look "simulate-principal-policy" iamctl simulate-principal-policy --policy-source-arn "$(iamctl get-user --user-name bob | sed -n 's/.*"Arn": "\(.*\)".*/\1/p')" \
	--action-names host:Login --output table
has "says what is decided" 'implicitDeny'
look "lookup-events" iamctl lookup-events --max-results 12 --output table
iamctl lookup-events --max-results 1000 >"$out" 2>&1
for e in CreateUser CreateLoginProfile EnableMFADevice CreatePolicy AttachUserPolicy PutGroupPolicy \
	UploadSSHPublicKey Login Sudo SwitchUser RunScheduled OpenSession ChangePassword; do
	has "the trail has $e" "\"EventName\": \"$e\""
done
iamctl lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=Login --max-results 1000 >"$out" 2>&1
has "a failure among them" 'Failure'
run "the chain is whole" iamctl validate-logs
grep -rl -e 'Correct horse' -e 'Battery staple' -e "$(seed_of sarah)" /var/log /run/iam /var/lib/iam >"$out" 2>/dev/null
[ ! -s "$out" ]
verdict $? "S9: no password and no seed in logs, runtime state or store"
look "doctor" iamctl doctor --output table

step 13 "Remove, install again, purge"
run "apt remove" apt-get remove -y libpam-iam libnss-iam iamctl
run "nsswitch.conf is as it was" cmp /etc/nsswitch.conf "$work/nsswitch.before"
run "PAM is as it was" diff -r /etc/pam.d "$work/pam.before"
sshd_stop; sshd_start -o KbdInteractiveAuthentication=yes
local_people_go_on "after remove"
run "apt install again" apt-get install -y /debs/libpam-iam_*.deb /debs/libnss-iam_*.deb /debs/iamctl_*.deb
sshd_stop; sshd_start
run "the account is as it was" ssh_as sarah 'Battery staple 2' "$(fresh_code sarah)" true

if [ "${DEMO_SHELL:-0}" = 1 ]; then
	finish
	status=$?
	cat <<'TEXT'

The host is yours: users sarah and bob, the local account lena, sshd on 127.0.0.1.
sarah's password is "Battery staple 2"; `code sarah` prints her code. Try:

    iamctl list-users --output table        iamctl help
    ssh sarah@127.0.0.1                     iamctl lookup-events --output table

`exit` ends it, and nothing of it remains.
TEXT
	mkdir -p /root
	declare -f code seed_of >/root/.bashrc
	bash
	exit "$status"
fi

run "apt purge asks nothing" apt-get purge -y libpam-iam libnss-iam iamctl
run "all is gone" sh -c '! ls -d /etc/iam /var/lib/iam /run/iam 2>/dev/null'
run "but the trail" test -s /var/log/iam/trail.jsonl
sshd_stop; sshd_start -o KbdInteractiveAuthentication=yes
local_people_go_on "after purge"
finish
