#!/bin/bash
# The modules of two architectures side by side (S29). Not run by "make check": it
# wants packages of i386 besides (see HACKING.md), in /debs32, and a root that has both.
# It runs at the true time: a faked clock does not go for both kinds of programs alike.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1
number=S29
export DEBIAN_FRONTEND=noninteractive
apt() { apt-get -y -o Dpkg::Options::=--force-unsafe-io "$@"; }
this=(/debs/libpam-iam_*.deb /debs/libnss-iam_*.deb /debs/iamctl_*.deb)
other=(/debs32/libpam-iam_*_i386.deb /debs32/libnss-iam_*_i386.deb)
profile_once() { [ "$(grep -c 'pam_iam\.so' /etc/pam.d/common-account)" -eq 1 ]; }
nsswitch_once() { [ "$(grep -c ' iam' /etc/nsswitch.conf)" -eq 2 ]; }
fresh_code() { # a code of a step that nobody used
	while [ "$(cat step 2>/dev/null)" = $(($(date +%s) / 30)) ]; do sleep 0.2; done
	echo $(($(date +%s) / 30)) >step
	code "$1"
}
id32() { /id32/usr/bin/id "$@"; }
code32() { # USER SECRET: the auth and account phases in a program of 32 bits
	talk 20 'Password: $' "$2" 'Verification code: $' "$(fresh_code "$1")" -- \
		pamtester login "$1" authenticate acct_mgmt
}

local_account
run "install" apt install "${this[@]}"
sshd_start
check "init" iamctl init --region eu-central-1
check "sarah" make_user sarah
check "dana" make_user dana
check "sarah may, dana may not" allow sarah All '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"host:*","Resource":"*"}]}'
run "the modules of i386 beside" apt install "${other[@]}"
check "each in its place" ls /lib/x86_64-linux-gnu/security/pam_iam.so /lib/i386-linux-gnu/security/pam_iam.so \
	/usr/lib/x86_64-linux-gnu/libnss_iam.so.2 /usr/lib/i386-linux-gnu/libnss_iam.so.2
check "one profile" profile_once
check "one line in each list of nsswitch.conf" nsswitch_once
check "a program of i386" sh -c 'dpkg-deb -x /debs32/coreutils_*_i386.deb /id32 && [ $(od -An -tu1 -j4 -N1 /id32/usr/bin/id) -eq 1 ]'
run "finds sarah in the same snapshot" id32 sarah
cp "$out" id.i386
run "as the others do" id sarah
cp "$out" id.amd64
check "and the same of her" cmp id.amd64 id.i386
run "one that logs people in" apt install /debs32/pamtester_*_i386.deb
check "lets sarah in" code32 sarah 'Correct horse 1'
check "not with a wrong password" fails code32 sarah wrong
check "and dana not at all" fails code32 dana 'Correct horse 1'
has "denied by policy" 'denied by policy'
check "a program of 64 bits lets sarah in" ssh_as sarah 'Correct horse 1' "$(fresh_code sarah)" true
run "the modules of i386 removed" apt remove libpam-iam:i386 libnss-iam:i386
check "S47: the profile stays for the others" profile_once
check "nsswitch.conf, too" nsswitch_once
check "sarah is in" ssh_as sarah 'Correct horse 1' "$(fresh_code sarah)" true
local_people_go_on
run "both again" apt install "${other[@]}"
run "the modules of amd64 removed" apt remove libpam-iam libnss-iam
check "the profile stays for i386" profile_once
check "where sarah is in" code32 sarah 'Correct horse 1'
check "S5: and by ssh she is not" fails ssh_as sarah 'Correct horse 1' "$(fresh_code sarah)" true
local_people_go_on
run "the last ones removed" apt remove libpam-iam:i386 libnss-iam:i386
check "the profile is gone" fails profile_once
check "from nsswitch.conf, too" fails nsswitch_once
local_people_go_on
finish
