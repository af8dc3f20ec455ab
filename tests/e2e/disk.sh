#!/bin/bash
# disk.sh full|readonly: logins while the disk takes nothing any more (S38).
# On a host /run is a tmpfs of its own; here it is made so first.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
number=11

mkdir "$work/run"
cp -a /run/. "$work/run/"
mount -t tmpfs -o mode=0755 run /run
cp -a "$work/run/." /run/

full_copy() { # DIR: the same files on a file system without room
	cp -a "$1" "$work/copy"
	mount -t tmpfs -o mode=0755,size=$(($(du -sk "$1" | cut -f1) + 64))k full "$1"
	cp -a "$work/copy/." "$1/"
	rm -rf "$work/copy"
	dd if=/dev/zero of="$1/filler" bs=1k >/dev/null 2>&1
	! echo more >"$1/more" 2>/dev/null
}

recovery=$(iamctl create-recovery-codes --user-name sarah --output text | sed -n 's/^CODES\t//p' | head -n 1)
one_code=$(fresh_code sarah)
case $1 in
full)
	full_copy /var/lib/iam; verdict $? "/var/lib/iam has no room"
	full_copy /var/log/iam; verdict $? "/var/log/iam has no room" ;;
readonly)
	for d in /var /etc /home /usr; do
		mount --bind "$d" "$d"
		mount -o remount,bind,ro "$d"
	done
	! touch /var/lib/iam/x /var/log/iam/x /etc/iam/x 2>/dev/null
	verdict $? "the disk is read-only" ;;
esac
refused "a recovery code is not taken, since it cannot be used up" ssh_as sarah 'Battery staple 2' "$recovery" true
refused "nor the second time" ssh_as sarah 'Battery staple 2' "$recovery" true
run "with her device sarah logs in" ssh_as sarah 'Battery staple 2' "$one_code" true
refused "the same code is refused (S35, S38)" ssh_as sarah 'Battery staple 2' "$one_code" true
local_people_go_on
if [ "$1" = full ]; then
	refused "so is a new password" talk 40 'Password: $' 'Battery staple 2' 'Verification code: $' "$(fresh_code sarah)" \
		'Current password: $' 'Battery staple 2' 'ew password: $' 'Another staple 3' -- \
		ssh -tt "${by_prompt[@]}" "${ssh_opts[@]}" sarah@host passwd
	run "and syslog says why" grep -q 'changing the password of sarah failed: .*iam.db' /var/log/auth.log
fi
refused "a change is refused as a whole" iamctl create-user --user-name during
[ -n "$(ls /run/iam/spool 2>/dev/null)" ]
verdict $? "events wait in /run/iam"
case $1 in
full) umount /var/lib/iam /var/log/iam ;;
readonly) umount -l /var /etc /home /usr ;;
esac
run "with room again, changes work" iamctl create-user --user-name "after-$1"
run "and the recovery code is good" ssh_as sarah 'Battery staple 2' "$recovery" true
refused "once" ssh_as sarah 'Battery staple 2' "$recovery" true
[ -z "$(ls /run/iam/spool 2>/dev/null)" ]
verdict $? "the events are in the trail now"
run "and its chain is whole" iamctl validate-logs
mkdir -p "$work/run2"
cp -a /run/. "$work/run2/"
umount -l /run
cp -a "$work/run2/iam/." /run/iam/
finish
