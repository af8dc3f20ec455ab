#!/bin/bash
# S4: what the account phase denies stays denied, whatever other modules the host
# has: pam-auth-update with the profiles of pam_unix, SSSD, LDAP and of a module
# that says yes to everybody; for passwords with code and for SSH keys.
# packages: libpam-sss,sssd-common,libpam-ldapd
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1
number=S4

run_quietly() { "$@" >"$out" 2>&1 || { cat "$out"; echo "Bail out! $*"; exit 1; }; }
local_account
run_quietly apt-get install -y --no-install-recommends /debs/libpam-iam_*.deb /debs/libnss-iam_*.deb /debs/iamctl_*.deb \
	libpam-sss sssd-common libpam-ldapd
cat >/usr/share/pam-configs/yes <<'PROFILE'
Name: says yes to everybody
Default: no
Priority: 200
Auth-Type: Primary
Auth:
	[success=end default=ignore] pam_permit.so
Account-Type: Primary
Account:
	[success=end default=ignore] pam_permit.so
PROFILE
cat >/etc/sssd/sssd.conf <<'CONF'
[sssd]
services = nss, pam
domains = files
[domain/files]
id_provider = files
CONF
chmod 600 /etc/sssd/sssd.conf
sssd_start() { sssd -D --logger=files && until [ -S /var/lib/sss/pipes/private/pam ]; do sleep 0.05; done; }

iamctl init --region eu-central-1 >"$out"
allow_all='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"host:*","Resource":"*"}]}'
deny_login='{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"host:*","Resource":"*"}]}'
ssh-keygen -q -t ed25519 -N '' -f key
for user in sarah dana nora; do # sarah may, dana is denied, nobody allowed nora anything
	check "user $user" make_user "$user"
	check "her key" iamctl upload-ssh-public-key --user-name "$user" --ssh-public-key-body file://key.pub
done
check "sarah may" allow sarah All "$allow_all"
check "dana is allowed and denied" sh -c "iamctl put-user-policy --user-name dana --policy-name All --policy-document '$allow_all' &&
	iamctl put-user-policy --user-name dana --policy-name Not --policy-document '$deny_login'"
sshd_start

by_key() { # USER
	talk 40 -- ssh -tt "${ssh_opts[@]}" -o PreferredAuthentications=publickey -i key "$1@host" true
}
by_code() { ssh_as "$1" 'Correct horse 1' "$(cat "code.$1")" true; }
account_says_no() { # USER: the account phase of every service, and nothing but it
	local service
	for service in sshd login sudo cron; do
		echo "$service"
		fails pamtester "$service" "$1" acct_mgmt || return
	done
}
sarah_by_code() { by_code sarah; }
sarah_by_key() { by_key sarah; }
dana_not_by_code() { fails by_code dana; }
dana_not_by_key() { fails by_key dana; }
dana_not_by_account() { account_says_no dana; }
nora_not_by_code() { fails by_code nora; }
nora_not_by_key() { fails by_key nora; }
nora_not_by_account() { account_says_no nora; }
codes() {
	local user
	later 31
	for user in sarah dana nora; do code "$user" >"code.$user"; done
}

profiles() { # NAME...: these besides ours
	pam-auth-update --disable unix sss ldap yes
	pam-auth-update --enable "$@"
	grep -v '^#' /etc/pam.d/common-account
	grep -q pam_iam.so /etc/pam.d/common-account
}
stack() { # NAME...
	check "profiles iam $*" profiles "$@"
	codes
	check "with $*: who is not allowed stays out" all dana_not_by_code dana_not_by_key dana_not_by_account \
		nora_not_by_code nora_not_by_key nora_not_by_account
	check "with $*: a wrong password is not made good by another module" \
		fails ssh_as sarah wrong "$(cat code.sarah)" true
	later 31
}
open_for_all_others() { # DESCRIPTION
	codes
	check "$1: who is allowed comes in" all sarah_by_code sarah_by_key
	local_people_go_on "$1"
}
stack unix
open_for_all_others "with unix"
stack unix ldap
open_for_all_others "with unix and ldap, whose daemon does not run"
stack unix sss
open_for_all_others "with unix and sss, whose daemon does not run"
check "sssd runs" sssd_start
open_for_all_others "with unix and sss"
stack unix sss ldap
open_for_all_others "with unix, sss and ldap"
stack unix sss ldap yes
open_for_all_others "with unix, sss, ldap and yes"

# The snapshot is gone, and the next module would say yes.
mv /var/lib/iam /var/lib/iam.away
codes
check "S2: with everything gone and a module that says yes, all whom IAM governs stay out" \
	all dana_not_by_code dana_not_by_key dana_not_by_account nora_not_by_account
sarah_not_by_code() { fails by_code sarah; }
sarah_not_by_key() { fails by_key sarah; }
check "S2: sarah, too" all sarah_not_by_code sarah_not_by_key
local_people_go_on "with everything gone"
mv /var/lib/iam.away /var/lib/iam
open_for_all_others "back again"
finish
