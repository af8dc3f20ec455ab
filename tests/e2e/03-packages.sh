#!/bin/bash
# S47: whatever is done with the packages, root gets in on the console and local
# accounts go on; IAM users do where enforcement is live, and nowhere else. Real
# apt, real logins, and what doctor says after each.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1
number=S47
export DEBIAN_FRONTEND=noninteractive

# The next version of the packages: the same files under another number.
next_version() {
	local deb name old=$1 new=$2
	mkdir -p next
	for name in libpam-iam libnss-iam iamctl; do
		deb=$(echo /debs/"$name"_*.deb)
		rm -rf tree
		dpkg-deb -R "$deb" tree &&
			sed -i "s/^Version: .*/Version: $new/; s/(>= $old)/(>= $new)/; s/(<< $old\.1~)/(<< $new.1~)/" tree/DEBIAN/control &&
			dpkg-deb -b tree "next/${name}_${new}_all.deb" || return
	done
}
names=(libpam-iam libnss-iam iamctl)
this=(/debs/libpam-iam_*.deb /debs/libnss-iam_*.deb /debs/iamctl_*.deb)
version=$(dpkg-deb -f "${this[0]}" Version)
check "another version of the packages" next_version "$version" "$version+next1"
next=("$work"/next/*.deb)
apt() { apt-get -y -o Dpkg::Options::=--force-unsafe-io "$@"; }

sarah_is_in() { ssh_as sarah 'Correct horse 1' "$sarahs_code" true; }
sarah_is_denied() { fails ssh_as sarah 'Correct horse 1' "$sarahs_code" true; }
sarahs_key_is_good() { talk 40 -- ssh -tt "${ssh_opts[@]}" -o PreferredAuthentications=publickey -i key sarah@host true; }
sarahs_key_is_denied() { fails sarahs_key_is_good; }
sarahs() { sarahs_code=$(fresh_code sarah); }
live() { # WHEN
	sarahs
	check "$1: sarah is in, root and lena go on" all sarah_is_in sarahs_key_is_good root_on_console lena_by_ssh lena_by_su lena_by_sudo
	check "$1: doctor finds nothing wrong" iamctl doctor --output table
}
dead() { # WHEN
	sarahs
	check "$1: sarah is not in, root and lena go on" all sarah_is_denied sarahs_key_is_denied root_on_console lena_by_ssh lena_by_su lena_by_sudo
}
doctor_says() { # DESCRIPTION PATTERN
	check "$1" fails iamctl doctor --output table
	has "namely" "$2"
}
kept() { md5sum /etc/pam.d/common-* /etc/nsswitch.conf /etc/ssh/sshd_config /etc/ssh/sshd_config.d/* /etc/iam/* 2>/dev/null; }
as_before() { kept | diff before -; }
account() { iamctl export; }

local_account
kept >bare
# As in an image that is being made: sshd has never run.
rmdir /run/sshd
run "install" apt install "${this[@]}"
hasnt "sshd takes the drop-ins" 'taken back'
check "no debconf template: there is nothing to ask" sh -c '! ls /var/lib/dpkg/info/*iam*.templates 2>/dev/null'
sshd_start
local_people_go_on "installed, no account"
check "init" iamctl init --region eu-central-1
check "sarah" make_user sarah
check "may" allow sarah All '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"host:*","Resource":"*"}]}'
ssh-keygen -q -t ed25519 -N '' -f key
check "her key" iamctl upload-ssh-public-key --user-name sarah --ssh-public-key-body file://key.pub
live "installed"
check "no file differs from the packages'" dpkg --verify "${names[@]}"

# ---- upgrade, downgrade ----
account >account.before
kept >before
run "unpacked, not yet configured" dpkg --unpack --force-unsafe-io "${next[@]}"
live "half-way through an upgrade"
run "upgrade" dpkg --configure -a
live "upgraded"
check "an upgrade changes no configuration" as_before
check "and not the account" sh -c 'iamctl export | cmp - account.before'
run "downgrade" apt install --allow-downgrades "${this[@]}"
live "downgraded"
check "a downgrade changes no configuration" as_before
run "reinstall" apt install --reinstall "${this[@]}"
live "reinstalled"
check "a reinstallation changes no configuration" as_before
rm /etc/ssh/sshd_config.d/51-host-iam-keys.conf
echo '# changed here' >>/etc/ssh/sshd_config.d/50-host-iam.conf
dpkg-statoverride --update --add root root 0755 /usr/lib/host-iam/iam-chkauth
kept >before
run "upgrade after the administrator changed things" apt install "${next[@]}"
check "what the administrator changed stays so" as_before
check "the owner and mode, too" sh -c '[ "$(stat -c %G:%a /usr/lib/host-iam/iam-chkauth)" = root:755 ]'
dpkg-statoverride --remove /usr/lib/host-iam/iam-chkauth
run "downgrade" apt install --allow-downgrades "${this[@]}"
printf 'AuthorizedKeysCommand /usr/lib/host-iam/iam-authorized-keys %%u\nAuthorizedKeysCommandUser nobody\n' \
	>/etc/ssh/sshd_config.d/60-keys.conf
live "with the keys' command in a file of the administrator's"

# ---- upgrade while the account is broken ----
cp -a /var/lib/iam lib
rm /var/lib/iam/snapshot/*
echo noise >/var/lib/iam/iam.db
run "an upgrade does not fail because the store is broken" apt install "${next[@]}"
has "but says what to do" 'iamctl doctor'
dead "store and snapshots broken"
doctor_says "and doctor says so" 'FAILED .*iam\.db'
rm -rf /var/lib/iam; cp -a lib /var/lib/iam
run "the next upgrade" apt install --reinstall --allow-downgrades "${this[@]}"
live "mended"

# ---- one package alone ----
run "the name service module removed" apt remove libnss-iam
dead "no name service module"
doctor_says "and doctor says so" 'FAILED.*nsswitch passwd'
run "installed again" apt install "${this[@]}"
live "with it again"
run "the PAM module removed" apt remove libpam-iam
check "S21: her key alone does not let her in without the module" fails sarahs_key_is_good
dead "no PAM module"
doctor_says "and doctor says so" 'FAILED.*PAM module'
run "installed again" apt install "${this[@]}"
live "with it again"

# ---- remove, purge ----
run "remove" apt remove "${names[@]}"
check "PAM, nsswitch and sshd are as they were" sh -c "grep -v ' /etc/iam/\|60-keys' bare | md5sum -c --quiet"
sshd_restart -o KbdInteractiveAuthentication=yes
dead "removed"
run "install again" apt install "${this[@]}"
sshd_restart
live "installed again"
check "with the account as it was" sh -c 'iamctl export | cmp - account.before'
run "purge" apt purge "${names[@]}"
check "PAM, nsswitch and sshd are as they were" sh -c "grep -v ' /etc/iam/\|60-keys' bare | md5sum -c --quiet"
check "nothing is left" sh -c '! ls -d /etc/iam /var/lib/iam /run/iam /usr/lib/host-iam /usr/share/iam 2>/dev/null && ! getent group iam-auth'
check "but the trail" test -s /var/log/iam/trail.jsonl
sshd_restart -o KbdInteractiveAuthentication=yes
local_people_go_on "purged"
rm /etc/ssh/sshd_config.d/60-keys.conf

# ---- other people's configuration ----
# pam-auth-update changes nothing, and says nothing, where somebody has edited its block.
sed -i '/pam_unix\.so/i auth optional pam_echo.so' /etc/pam.d/common-auth
printf 'AuthorizedKeysCommand /usr/bin/true\nAuthorizedKeysCommandUser nobody\n' >/etc/ssh/sshd_config.d/10-mine.conf
run "install where the PAM block is edited and sshd has a keys' command" apt install "${this[@]}"
has "the installation says that PAM is not live" 'WARNING: pam_iam is not active in /etc/pam.d/common-auth'
has "and that the keys' command stays" 'AuthorizedKeysCommand already'
check "it does stay" sh -c '[ ! -e /etc/ssh/sshd_config.d/51-host-iam-keys.conf ]'
check "init" iamctl init --region eu-central-1
rm /root/seed.sarah
check "sarah" make_user sarah
check "may" allow sarah All '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"host:*","Resource":"*"}]}'
check "her key" iamctl upload-ssh-public-key --user-name sarah --ssh-public-key-body file://key.pub
sshd_restart
dead "not live"
doctor_says "doctor says so" 'FAILED.*PAM auth'
check "and how to mend it" fails iamctl doctor --output text
has "namely" 'pam-auth-update --enable iam, with --force where its block was edited'
check "as doctor says" pam-auth-update --enable iam --force
rm /etc/ssh/sshd_config.d/10-mine.conf
printf 'AuthorizedKeysCommand /usr/lib/host-iam/iam-authorized-keys %%u\nAuthorizedKeysCommandUser nobody\n' \
	>/etc/ssh/sshd_config.d/60-keys.conf
sshd_restart
live "mended"
# The other way round: the block is edited while the module is in it.
sed -i '/pam_iam\.so/i auth optional pam_echo.so' /etc/pam.d/common-auth
run "removed where the PAM block is edited" apt remove "${names[@]}"
dead "removed; its lines are still there"
run "purged" apt purge "${names[@]}"
local_people_go_on "purged"
finish
