#!/bin/bash
# doctor: S47, enforcement that is not live is said, with its mend.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
new_host

check() { # the status of a check in $out
	python3 -c 'import json, sys
print("/".join(c["Status"] for c in json.load(sys.stdin)["Checks"] if c["Check"] == sys.argv[1]))' "$1" <<<"$out"
}
detail() {
	python3 -c 'import json, sys
print("; ".join(c["Detail"] + " -> " + c["Repair"] for c in json.load(sys.stdin)["Checks"] if c["Check"] == sys.argv[1]))' "$1" <<<"$out"
}
found() { # CHECK STATUS PART
	is "$(check "$1")" "$2" && has "$(detail "$1")" "$3"
}
finds() { # NAME CHECK STATUS [PART]
	run doctor
	ok "S47: $1" found "$2" "$3" "${4:-}"
}

expect "without an account something has failed" 1 "" doctor
ok "and it says what to do" has "$(detail store)" "iamctl init"
new_account

# A host as the packages leave it
libdir=$root/lib/$(gcc -print-multiarch 2>/dev/null || echo x86_64-linux-gnu)/security
mkdir -p "$libdir" "$root/etc/pam.d" "$root/etc/ssh"
control='[success=1 ignore=ignore default=die]'
for t in auth account password; do
	printf '# a comment\n%s %s pam_iam.so\n%s [success=1 default=ignore] pam_unix.so\n' \
		$t "$control" $t >"$root/etc/pam.d/common-$t"
done
printf 'session optional pam_unix.so\nsession [success=ok default=bad] pam_iam.so\n' >"$root/etc/pam.d/common-session"
for s in sshd sudo; do
	printf '@include common-auth\n@include common-account\n' >"$root/etc/pam.d/$s"
done
printf 'passwd: files iam\ngroup:\tfiles systemd iam\n' >"$root/etc/nsswitch.conf"
printf '#!/bin/sh\n[ -z "$HOME$TERM" ] || exit 1\ncat <<X\nusepam yes\nkbdinteractiveauthentication yes\nauthorizedkeyscommand /usr/lib/host-iam/iam-authorized-keys %%u\nX\n' >"$root/usr/sbin/sshd"
chmod 755 "$root/usr/sbin/sshd"
[ ! -e "$build/test/pam_iam.so" ] || install -m 0644 "$build/test/pam_iam.so" "$libdir/"

for c in store host.json iam.json 'public snapshot' 'private snapshot' 'snapshots current' \
	'seal key' 'runtime state' trail 'PAM auth' 'PAM account' 'PAM session' 'PAM password' \
	'PAM service sshd' 'nsswitch passwd' 'nsswitch group' 'nsswitch initgroups' \
	'sshd usepam' 'sshd kbdinteractiveauthentication' 'sshd authorizedkeyscommand'; do
	finds "$c is well" "$c" OK
done
if [ -e "$libdir/pam_iam.so" ]; then
	finds "the module is there" 'PAM module' OK
	head -c 1000 "$build/test/pam_iam.so" >"$libdir/pam_iam.so"
	finds "a broken module" 'PAM module' FAILED "cannot be loaded"
	rm "$libdir/pam_iam.so"
fi
finds "no module" 'PAM module' FAILED "apt install libpam-iam"

sed -i 's/^auth.*pam_iam/#&/' "$root/etc/pam.d/common-auth"
finds "a line that is commented out" 'PAM auth' FAILED "pam-auth-update"
printf 'account [default=die] pam_unix.so\naccount %s pam_iam.so\n' "$control" >"$root/etc/pam.d/common-account"
finds "pam_unix decides first" 'PAM account' FAILED "before pam_iam"
printf 'account [success=1 default=ignore] pam_iam.so\n' >"$root/etc/pam.d/common-account"
finds "S4: a denial that is not final" 'PAM account' FAILED "default=die"
rm "$root/etc/pam.d/common-password"
finds "a stack that is gone" 'PAM password' FAILED
printf 'auth required pam_permit.so\n' >"$root/etc/pam.d/sudo"
finds "a program with a stack of its own" 'PAM service sudo' WARNING "does not include"
printf 'passwd: iam files\n' >"$root/etc/nsswitch.conf"
finds "names of others before local ones" 'nsswitch passwd' FAILED "local names must come first"
finds "no line" 'nsswitch group' FAILED
printf 'passwd: files # iam\n' >"$root/etc/nsswitch.conf"
finds "iam in a comment" 'nsswitch passwd' FAILED "not asked"
ok "nothing of key facts, which no policy asks for" is "$(check 'sshd authenticationmethods')" ''
run create-user --user-name key
run put-user-policy --user-name key --policy-name Key --policy-document '{"Version": "2012-10-17", "Statement": {
"Effect": "Deny", "Action": "host:Login", "Resource": "*", "Condition": {"StringEquals": {"host:KeyType": "ssh-rsa"}}}}'
finds "sshd does not tell policies of the key" 'sshd authenticationmethods' WARNING "host:Key"
sed -i 's/^usepam yes/&\nauthenticationmethods publickey,keyboard-interactive password\nlogingracetime 120/' "$root/usr/sbin/sshd"
finds "it does when something is asked after it" 'sshd authenticationmethods' OK
ok "nothing of time, where nobody enrols" is "$(check 'sshd logingracetime')" ''
printf '{"mfa": {"selfEnrolment": "policy"}}' >"$root/etc/iam/iam.json"
finds "little time to enrol" 'sshd logingracetime' WARNING "LoginGraceTime 5m"
sed -i 's/^logingracetime 120/logingracetime 0/' "$root/usr/sbin/sshd"
finds "all the time to enrol" 'sshd logingracetime' OK
rm "$root/etc/iam/iam.json"
sed -i '/^authenticationmethods/d' "$root/usr/sbin/sshd"
touch "$root/etc/iam/ssh_ca.pub"
finds "sshd does not tell of a certificate's MFA" 'sshd authenticationmethods' WARNING "MFA of a certificate"
finds "sshd does not trust the authority" 'sshd trustedusercakeys' WARNING "not used"
sed -i "s|^usepam yes|&\ntrustedusercakeys $(realpath "$root")/etc/iam/ssh_ca.pub\nauthorizedprincipalscommand none|" "$root/usr/sbin/sshd"
finds "sshd takes revoked certificates" 'sshd authorizedprincipalscommand' FAILED "before AuthorizedKeysCommand"
sed -i 's|^authorizedprincipalscommand none|authorizedprincipalscommand /usr/lib/host-iam/iam-authorized-principals %u %s|' "$root/usr/sbin/sshd"
finds "sshd asks about certificates" 'sshd authorizedprincipalscommand' OK
rm "$root/etc/iam/ssh_ca.pub"
sed -i 's/kbdinteractiveauthentication yes/kbdinteractiveauthentication no/; s/^authorizedkeys.*/authorizedkeyscommand none/' "$root/usr/sbin/sshd"
finds "sshd asks for no code" 'sshd kbdinteractiveauthentication' FAILED "asked for a code"
finds "sshd asks somebody else for keys" 'sshd authorizedkeyscommand' WARNING
printf '#!/bin/sh\necho no hostkeys available >&2\nexit 1\n' >"$root/usr/sbin/sshd"
finds "sshd that says nothing" sshd WARNING "no hostkeys available"

cp "$root/var/lib/iam/snapshot/private" "$tmp/private"
printf x | dd of="$root/var/lib/iam/snapshot/private" bs=1 seek=600 conv=notrunc 2>/dev/null
finds "a byte of the snapshot" 'private snapshot' FAILED "iamctl publish"
rm -rf "$root/var/lib/iam/snapshot/public"
finds "no snapshot" 'public snapshot' FAILED
run publish
finds "publish repairs" 'private snapshot' OK
sed -i 's/web1/web2/' "$root/etc/iam/host.json"
finds "host.json was edited" 'snapshots current' FAILED "iamctl publish"
run publish
chmod 644 "$root/etc/iam/seal.key"
finds "a seal key that others can read" 'seal key' FAILED
chmod 640 "$root/etc/iam/seal.key"
printf '{"mfa": {"whenEnrolled": "maybe"}}' >"$root/etc/iam/iam.json"
finds "a setting that is wrong" iam.json FAILED whenEnrolled
rm "$root/etc/iam/iam.json"
printf 'local:$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1:1::::::\n' >"$root/etc/shadow"
run adopt-local-user --user-name local
finds "an adopted account with a password of its own" 'adopted account' WARNING "passwd -l"
sed -i 's/^local:/local:!/' "$root/etc/shadow"
finds "an adopted account without" 'adopted account' OK
sed -i 's/^local:x:1000:/local:x:1001:/' "$root/etc/passwd"
finds "an adopted account that is another one now" 'adopted account' WARNING "under another id"
sed -i '1s/Init/Exit/' "$root/var/log/iam/trail.jsonl"
finds "an event that was changed" trail FAILED "line"
run doctor --output table --color off
ok "as a table" has "$out" "| Status  | Check"
ok "the exit status says so" is "$status" 1
finish
