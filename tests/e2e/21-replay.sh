#!/bin/bash
# One use of one code: across programs, clock steps, reboots and disks (S35, S38, S39).
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

step 1 "A host with packages and an account"
sed -i '/^#*\(UsePAM\|KbdInteractiveAuthentication\|PasswordAuthentication\)/d' /etc/ssh/sshd_config
printf 'UsePAM yes\n' >>/etc/ssh/sshd_config
run "the packages" apt-get install -y /debs/libpam-iam_*.deb /debs/libnss-iam_*.deb /debs/iamctl_*.deb
sshd_start
run "init" iamctl init --region eu-central-1
echo '{"throttle": {"freeAttempts": 1000}}' >/etc/iam/iam.json
run "sarah, with a device" make_user sarah
run "who may log in and unlock her screen" allow sarah p \
	'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"host:*","Resource":"*"}]}'
printf 'auth required pam_iam.so\naccount required pam_iam.so\n' >/etc/pam.d/locker
login_with() { ssh_as sarah 'Correct horse 1' "$1" "echo inside-${2:-}"; }
unlock_with() { # by sarah herself, through the helper
	talk 40 'Password: $' 'Correct horse 1' 'Verification code: $' "$1" -- \
		runuser -u sarah -- pamtester locker sarah authenticate acct_mgmt
}

step 2 "Across programs"
run "the first login" login_with "$(fresh_code sarah)"
run "a screen locker" unlock_with "$(fresh_code sarah)"
used=$(code sarah)
refused "its code is used up for sshd" login_with "$used"
used=$(fresh_code sarah)
run "sshd" login_with "$used"
refused "its code is used up for the locker" unlock_with "$used"
talk 40 'login: $' sarah 'Password: $' 'Correct horse 1' 'Verification code: $' "$used" \
	'sarah@host:~\$ $' 'echo inside' -- login >"$out" 2>&1
has "and for login" 'Login incorrect'
hasnt "which lets nobody in" 'inside'
one_code=$(fresh_code sarah)
for i in 1 2 3 4; do
	(login_with "$one_code" "$i" >"$work/race.$i" 2>&1) &
	(unlock_with "$one_code" >"$work/race.helper.$i" 2>&1 && echo "inside-helper-$i" >>"$work/race.helper.$i") &
done
wait
cat "$work"/race.* >"$out"
[ "$(grep -c '^inside-' "$out")" -eq 1 ]
verdict $? "S35: sshd four times and the helper four times at once: exactly one gets in"

step 3 "Clock steps (S39)"
used=$(fresh_code sarah)
then=$(date -u '+%F %T UTC')
run "in" login_with "$used"
for jump in '-1 minute' '-1 hour' '+30 seconds' '-1 day' '+1 day'; do
	at "$(date -u -d "$then $jump" '+%F %T UTC')"
	refused "the code of then, clock at $jump" login_with "$used"
	case $jump in
	-*) refused "nor one of that time" login_with "$(code sarah)" ;;
	esac
done
at "$(date -u -d "$then +2 minutes" '+%F %T UTC')"
run "put right, she is in again" login_with "$(code sarah)"

step 4 "A reboot"
used=$(fresh_code sarah)
run "in" login_with "$used"
rm -rf /run/iam
refused "the same code after a reboot" login_with "$used"
run "codes that began since are good" login_with "$(fresh_code sarah)"

step 5 "A device whose clock runs ahead is followed"
ahead() { # STEPS: a code of a device that far ahead
	later 600
	oathtool --totp -b "$(seed_of sarah)" -N "@$(($(date +%s) + 30 * $1))"
}
refused "two steps ahead is too far" login_with "$(ahead 2)"
for i in 1 2 3; do
	run "one step ahead, login $i" login_with "$(ahead 1)"
done
run "two steps ahead is followed now" login_with "$(ahead 2)"
rm -rf /run/iam
later 600
run "after a reboot, too" login_with "$(ahead 2)"
run "and so is the clock it was enabled with" login_with "$(ahead 0)"
iamctl lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=RecordMFADrift >"$out" 2>&1
has "the trail has it" RecordMFADrift
later 3600
first=$(ahead 100)
second=$(oathtool --totp -b "$(seed_of sarah)" -N "@$(($(date +%s) + 30 * 101))")
run "resync-mfa-device" iamctl resync-mfa-device --user-name sarah --serial-number \
	"$(iamctl list-mfa-devices --user-name sarah | sed -n 's/.*"SerialNumber": "\(.*\)".*/\1/p')" \
	--authentication-code1 "$first" --authentication-code2 "$second"
refused "its codes are used up" login_with "$second"
run "the device far ahead is right now" login_with "$(ahead 101)"
refused "and the old clock is not" login_with "$(ahead 0)"
run "the chain is whole" iamctl validate-logs
finish
