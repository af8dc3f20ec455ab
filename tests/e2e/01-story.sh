#!/bin/bash
# A person logs in to a real Debian host, the whole way. Numbers are the story's.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

tuesday='2026-11-24' # the story begins on Monday the 23rd
next_week='2026-12-01'
packages=(/debs/libpam-iam_*.deb /debs/libnss-iam_*.deb /debs/iamctl_*.deb)

# ------------------------------------------------------------------
step 0 "A Debian host: sshd, sudo and the local account lena"
local_account
sed -i '/^#*\(UsePAM\|KbdInteractiveAuthentication\|PasswordAuthentication\)/d' /etc/ssh/sshd_config
printf 'UsePAM yes\nKbdInteractiveAuthentication no\n' >>/etc/ssh/sshd_config
cp /etc/nsswitch.conf nsswitch.before
cp -r /etc/pam.d pam.before
sshd_start -o KbdInteractiveAuthentication=yes
local_people_go_on
sshd_stop

step 1 "Install the packages"
tell "No question is asked, and nothing is edited by hand."
install_on_a_terminal() {
	talk 120 -- env DEBIAN_FRONTEND=readline apt-get install -y "${packages[@]}"
}
show apt install "${packages[@]}"
check "apt installs them, on a terminal where a question would wait for an answer" install_on_a_terminal
check "the PAM profile is live" grep -q pam_iam.so /etc/pam.d/common-{auth,account,session,password}
check "nsswitch.conf asks IAM after the files" grep -Eq '^passwd:[[:space:]]*files.* iam' /etc/nsswitch.conf
check "sshd asks questions (a drop-in: sshd_config is as it was)" \
	sh -c "sshd -T | grep -qx 'kbdinteractiveauthentication yes'"
sshd_start
refused "no account yet: the modules are inert, and doctor says so" iamctl doctor --output table
has "in these words" 'nobody is governed'
local_people_go_on

step 2 "Make the account"
look "init" iamctl init --region eu-central-1 --tags Key=environment,Value=prod
refused "a second init is refused, with AWS's error" iamctl init --region eu-central-1
has "EntityAlreadyExists" 'EntityAlreadyExists'
local_people_go_on

step 3 "A user with password, device, group and policies"
look "create-user" iamctl create-user --user-name sarah --tags Key=department,Value=marketing
show iamctl create-login-profile --user-name sarah --password-stdin
check "create-login-profile: a password is never on a command line" \
	sh -c "echo 'Correct horse 1' | iamctl create-login-profile --user-name sarah --password-stdin"
show iamctl create-virtual-mfa-device --virtual-mfa-device-name sarah \
	--bootstrap-method Base32StringSeed --outfile /root/seed.sarah
show iamctl enable-mfa-device --user-name sarah --serial-number arn:aws:iam::...:mfa/sarah \
	--authentication-code1 ... --authentication-code2 ...
check "create-virtual-mfa-device, enable-mfa-device with two codes in a row" enroll sarah
run "create-group" iamctl create-group --group-name marketing
run "add-user-to-group" iamctl add-user-to-group --group-name marketing --user-name sarah
cat >sarah.json <<'JSON'
{
  "Version": "2012-10-17",
  "Statement": [{
    "Sid": "TuesdaysNineToFive",
    "Effect": "Allow",
    "Action": ["host:Login", "host:Sudo", "host:SwitchUser", "host:RunScheduled"],
    "Resource": "*",
    "Condition": {"TimeOfDayWithin": {"aws:CurrentTime": "Tue 09:00-17:00"}}
  }]
}
JSON
cat >bob.json <<'JSON'
{
  "Version": "2012-10-17",
  "Statement": [{
    "Sid": "OnlyUsEast",
    "Effect": "Allow",
    "Action": "host:Login",
    "Resource": "*",
    "Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}
  }]
}
JSON
cat >no-weekends.json <<'JSON'
{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "host:*", "Resource": "*",
 "Condition": {"TimeOfDayWithin": {"aws:CurrentTime": "Sat,Sun"}}}]}
JSON
echo '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow"}]}' >broken.json
allow_file() { # NAME ACTION [CONDITION]: a policy that allows one action
	printf '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "%s", "Resource": "*"%s}]}\n' \
		"$2" "${3:+, \"Condition\": $3}" >"$1.json"
}
look "the policy: Tuesdays from nine to five" cat sarah.json
run "create-policy" iamctl create-policy --policy-name Sarah --policy-document file://sarah.json
arn=$(member Arn)
run "attach-user-policy" iamctl attach-user-policy --user-name sarah --policy-arn "$arn"
run "put-group-policy" iamctl put-group-policy --group-name marketing --policy-name NoWeekends \
	--policy-document file://no-weekends.json
refused "a broken policy is refused, with the place" iamctl create-policy --policy-name Broken \
	--policy-document file://broken.json
has "MalformedPolicyDocument" 'MalformedPolicyDocument'
check "bob, with a password and a device too" make_user bob 'Correct horse 2'
look "bob's policy: only where the region is us-east-1" cat bob.json
run "put-user-policy" iamctl put-user-policy --user-name bob --policy-name Region --policy-document file://bob.json
tell "On a terminal a device comes as a QR code for the telephone:"
look "create-virtual-mfa-device" talk 20 -- sh -c 'stty iutf8; iamctl create-virtual-mfa-device --virtual-mfa-device-name spare --output text'
has "with its otpauth URI" 'otpauth://totp/'
local_people_go_on

step 4 "The host knows them"
tell "Names come through glibc, from a snapshot: no daemon, no network."
look "getent passwd; no hash, ever" getent passwd sarah
has "but an x" '^sarah:x:'
look "id" id sarah
has "with her group" 'marketing'
look "getent group" getent group marketing
has "with its member" ':sarah$'
look "getent initgroups" getent initgroups sarah
check "for every user of the host" runuser -u lena -- getent passwd sarah

step 5 "ssh: password, code, and a shell on Tuesdays from nine to five"
at '2026-11-23 10:00:00 UTC'
clock
refused "Monday: denied, with a calm line that names the event" ssh_as sarah 'Correct horse 1' "$(code sarah)" true
has "after both questions" 'Verification code'
has "says who denied" 'denied by policy'
event=$(grep -oE '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}' "$out" | head -n 1)
look "the administrator looks the event up" iamctl lookup-events --output table \
	--lookup-attributes "AttributeKey=EventId,AttributeValue=$event"
check "it is the login" iamctl lookup-events --lookup-attributes "AttributeKey=EventId,AttributeValue=$event"
has "of sarah" '"Username": "sarah"'
at "$tuesday 09:00:05 UTC"
clock
shell_as_sarah() {
	talk 40 'Password: $' 'Correct horse 1' 'Verification code: $' "$(code sarah)" \
		'sarah@host:~\$ $' 'id -un; pwd; exit' -- ssh "${by_prompt[@]}" "${ssh_opts[@]}" sarah@host
}
show ssh sarah@host
check "Tuesday: a shell" shell_as_sarah
shown
has "of her own, in her home, which was made just now" '/home/sarah'
check "the home is hers alone" sh -c '[ "$(stat -c %U:%a /home/sarah)" = sarah:700 ]'
freeze "$tuesday 16:59:59 UTC"
clock
run "Tuesday 16:59:59: in" ssh_as sarah 'Correct horse 1' "$(code sarah)" true
freeze "$tuesday 17:00:00 UTC"
clock
refused "Tuesday 17:00:00: denied" ssh_as sarah 'Correct horse 1' "$(code sarah)" true
at "$next_week 10:00:00 UTC"
local_people_go_on

step 6 "bob, only in us-east-1"
clock
refused "denied in eu-central-1" ssh_as bob 'Correct horse 2' "$(fresh_code bob)" true
run "the host moves" iamctl update-host --region us-east-1
run "let in in us-east-1" ssh_as bob 'Correct horse 2' "$(fresh_code bob)" true
run "moved back, in the file" sed -i 's/us-east-1/eu-central-1/' /etc/iam/host.json
refused "denied again, without another command" ssh_as bob 'Correct horse 2' "$(fresh_code bob)" true

step 7 "Wrong password, wrong code, used code, unknown user: all look alike"
transcript() { sed -E 's/\r$//; s/(nobody-here|sarah)/NAME/g' "$out" >"$1"; }
used=$(fresh_code sarah)
run "the right password and code" ssh_as sarah 'Correct horse 1' "$used" true
refused "the same code again" ssh_as sarah 'Correct horse 1' "$used" true
transcript t.used
refused "a wrong code" ssh_as sarah 'Correct horse 1' 000000 true
transcript t.code
refused "a wrong password" ssh_as sarah 'wrong' "$(fresh_code sarah)" true
transcript t.password
refused "an unknown user" ssh_as nobody-here 'wrong' 000000 true
transcript t.unknown
check "S8: nothing tells them apart" sh -c "cmp t.used t.code && cmp t.used t.password && cmp t.used t.unknown"
one_code=$(fresh_code sarah)
for i in 1 2 3 4 5 6 7 8; do
	(ssh_as sarah 'Correct horse 1' "$one_code" "echo inside-$i" >"race.$i" 2>&1) &
done
wait
cat race.* >"$out"
[ "$(grep -c '^inside-' "$out")" -eq 1 ]
verdict $? "S35: eight logins at once with one code: exactly one gets in"

step 8 "sudo, su, login and cron ask the policy, each under its action"
clock
echo 'sarah ALL=(ALL) ALL' >/etc/sudoers.d/sarah
chmod 440 /etc/sudoers.d/sarah
session() { # COMMAND in a session of sarah's that has a fresh code
	talk 60 'Password: $' 'Correct horse 1' 'Verification code: $' "$(fresh_code sarah)" \
		'password for sarah: $' 'Correct horse 1' -- \
		ssh -tt "${by_prompt[@]}" "${ssh_opts[@]}" sarah@host "$1"
}
lena_su() {
	talk 40 'Password: $' 'Correct horse 1' 'Verification code: $' "$(fresh_code sarah)" \
		'sarah@host:[^ ]*\$ $' exit -- runuser -u lena -- su "$@"
}
login_as_sarah() {
	talk 40 'login: $' sarah 'Password: $' 'Correct horse 1' 'Verification code: $' "$(fresh_code sarah)" \
		'sarah@host:~\$ $' exit -- login
}
tell "The policy allows her Login, Sudo, SwitchUser and RunScheduled; it is Tuesday."
show sudo id -u
check "sudo" session 'sudo -k id -u'
show sudo -i id -u
check "sudo -i" session 'sudo -k -i id -u'
run "su sarah" lena_su sarah
run "su - sarah" lena_su - sarah
show login
check "login on a terminal" login_as_sarah
check "cron runs her job" bash /e2e/cron.sh sarah ran
for e in 'Sudo sudo' 'Sudo sudo-i' 'SwitchUser su' 'SwitchUser su-l' 'Login login' 'RunScheduled cron'; do
	check "the trail has ${e% *}, by ${e#* }" \
		grep -q "\"eventName\":\"${e% *}\".*\"Service\":\"${e#* }\"" /var/log/iam/trail.jsonl
done
at '2026-12-02 10:00:00 UTC'
clock
echo 'sarah ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/sarah
refused "su sarah is denied" lena_su sarah
show login
check "login is denied" fails login_as_sarah
check "cron does not run her job" bash /e2e/cron.sh sarah refused
allow_file login host:Login
run "a policy for login alone" iamctl put-user-policy --user-name sarah --policy-name Login --policy-document file://login.json
show sudo -n true
check "lets her log in, but not use sudo, NOPASSWD or not" fails session 'echo inside; sudo -n true'
has "(she was in)" '^inside'
allow_file sudo host:Sudo
run "a policy for sudo" iamctl put-user-policy --user-name sarah --policy-name Sudo --policy-document file://sudo.json
show sudo -n true
check "and she may" session 'sudo -n true'
local_people_go_on

step 9 "SSH keys"
ssh-keygen -q -t ed25519 -N '' -f key
run "upload-ssh-public-key" iamctl upload-ssh-public-key --user-name sarah --ssh-public-key-body file://key.pub
key_login() { # COMMAND; the code, when asked, from $2
	talk 40 'Password: $' 'not asked' 'Verification code: $' "${2:-none}" -- \
		ssh -tt "${ssh_opts[@]}" -o PreferredAuthentications=publickey,keyboard-interactive -i key sarah@host "$1"
}
show ssh -i key sarah@host
check "the key lets her in where the policy allows" key_login true
look "when was it used?" iamctl list-ssh-public-keys --user-name sarah
has "just now" '"LastUsedDate": "2026-'
has "from where" '"SourceIPAddress": "'
allow_file mfa host:Login '{"Bool": {"aws:MultiFactorAuthPresent": "true"}}'
run "now the policy wants a code" iamctl put-user-policy --user-name sarah --policy-name Login --policy-document file://mfa.json
show ssh -i key sarah@host
check "a key alone is refused by the account phase" fails key_login true
sshd_restart -o AuthenticationMethods=publickey,keyboard-interactive
tell "With AuthenticationMethods publickey,keyboard-interactive in sshd_config:"
show ssh -i key sarah@host
check "in with key and code" key_login true "$(fresh_code sarah)"
shown
has "the code is asked" 'Verification code'
hasnt "the password is not" 'Password'
sshd_restart
local_people_go_on

step 10 "passwd changes the IAM password"
change() {
	talk 60 'Password: $' 'Correct horse 1' 'Verification code: $' "$(fresh_code sarah)" \
		'Current password: $' 'Correct horse 1' 'ew password: $' 'Battery staple 2' -- \
		ssh -tt "${by_prompt[@]}" "${ssh_opts[@]}" sarah@host passwd
}
show ssh sarah@host passwd
check "passwd as sarah" change
shown
refused "the old one is refused at once" ssh_as sarah 'Correct horse 1' "$(fresh_code sarah)" true
run "the new one is good" ssh_as sarah 'Battery staple 2' "$(fresh_code sarah)" true
local_people_go_on

step 11 "Whatever breaks, root and local accounts go on, and IAM users are denied"
cp -a /var/lib/iam lib
mend() { rm -rf /var/lib/iam; cp -a lib /var/lib/iam; iamctl publish >/dev/null; }
sarah_is_denied() { fails ssh_as sarah 'Battery staple 2' "$sarahs_code" true; }
sarah_is_in() { ssh_as sarah 'Battery staple 2' "$sarahs_code" true; }
broken() { # DESCRIPTION
	sarahs_code=$(fresh_code sarah)
	check "$1: sarah is denied; root and lena go on" \
		all sarah_is_denied root_on_console lena_by_ssh lena_by_su lena_by_sudo
}
whole() {
	sarahs_code=$(fresh_code sarah)
	check "$1: sarah is in; root and lena go on" \
		all sarah_is_in root_on_console lena_by_ssh lena_by_su lena_by_sudo
}
snapshots=(/var/lib/iam/snapshot/public /var/lib/iam/snapshot/private)
rm /var/lib/iam/iam.db*
whole "the store deleted"
mend
rm -f "${snapshots[@]}"
broken "S2: the snapshots deleted"
mend
truncate -s 100 "${snapshots[@]}"
broken "S25: the snapshots truncated"
mend
for f in "${snapshots[@]}"; do
	head -c "$(stat -c %s "$f")" /dev/urandom >noise; cat noise >"$f"
done
broken "S2: random bytes in the snapshots"
mend
whole "mended"
check "S38: with the disk full, logins and replay protection go on" bash /e2e/disk.sh full
check "S38: with the disk read-only, logins and replay protection go on" bash /e2e/disk.sh readonly
pam=$(dpkg -L libpam-iam | grep 'pam_iam\.so$')
nss=$(dpkg -L libnss-iam | grep 'libnss_iam\.so\.2$')
for module in "$pam" "$nss"; do
	name=$(basename "$module")
	mv "$module" module
	broken "S5: $name missing"
	head -c 5000 module >"$module"
	broken "S5: half of $name"
	: >"$module"
	broken "S5: $name empty"
	mv module "$module"
done
whole "all in its place again"

step 12 "Why: simulation and the trail"
bob=$(iamctl get-user --user-name bob | sed -n 's/.*"Arn": "\(.*\)".*/\1/p')
look "what would be decided for bob here" iamctl simulate-principal-policy \
	--policy-source-arn "$bob" --action-names host:Login --output table
has "implicitDeny" 'implicitDeny'
look "and in us-east-1, and by which statement" iamctl simulate-principal-policy \
	--policy-source-arn "$bob" --action-names host:Login \
	--context-entries ContextKeyName=aws:RequestedRegion,ContextKeyValues=us-east-1,ContextKeyType=string
has "allowed" '"EvalDecision": "allowed"'
has "the statement's policy" '"SourcePolicyId": ".*Region'
look "the last events" iamctl lookup-events --max-results 12 --output table
iamctl lookup-events --max-results 1000 >events
for e in Init CreateUser CreateLoginProfile CreateVirtualMFADevice EnableMFADevice CreateGroup AddUserToGroup \
	CreatePolicy AttachUserPolicy PutGroupPolicy PutUserPolicy UpdateHost UploadSSHPublicKey \
	Login Sudo SwitchUser RunScheduled OpenSession ChangePassword; do
	cp events "$out"
	has "the trail has $e" "\"EventName\": \"$e\""
done
iamctl lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=Login --max-results 1000 >"$out" 2>&1
has "failures among the logins" 'Failure'
run "its chain is whole" iamctl validate-logs
grep -rl -e 'Correct horse' -e 'Battery staple' -e "$(seed_of sarah)" /var/log /run/iam /var/lib/iam >"$out" 2>/dev/null
[ ! -s "$out" ]
verdict $? "S9: no password and no seed in logs, runtime state or store"
look "S47: doctor looks at every link of the chain" iamctl doctor --output table

step 13 "Remove, install again, purge"
run "apt remove" apt-get remove -y libpam-iam libnss-iam iamctl
check "nsswitch.conf is as it was" cmp /etc/nsswitch.conf nsswitch.before
check "PAM is as it was" diff -r /etc/pam.d pam.before
sshd_restart -o KbdInteractiveAuthentication=yes
local_people_go_on "after remove"
show apt install "${packages[@]}"
check "apt install again" install_on_a_terminal
sshd_restart
run "the account is as it was" ssh_as sarah 'Battery staple 2' "$(fresh_code sarah)" true

if [ "${DEMO_SHELL:-0}" = 1 ]; then
	finish
	status=$?
	later 31
	bash --rcfile "$(dirname "$0")/demo.bashrc"
	exit "$status"
fi

run "apt purge asks nothing" apt-get purge -y libpam-iam libnss-iam iamctl
check "all is gone" sh -c '! ls -d /etc/iam /var/lib/iam /run/iam 2>/dev/null'
check "but the trail" test -s /var/log/iam/trail.jsonl
sshd_restart -o KbdInteractiveAuthentication=yes
local_people_go_on "after purge"
finish
